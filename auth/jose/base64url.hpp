// base64url without padding (RFC 4648 section 5, RFC 7515 section 2): one spelling for each byte string.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::jose {

std::string base64url_encode(std::string_view bytes);
void base64url_append(std::string& out, std::string_view bytes);  // for a buffer that is used again
// Refuses padding, '+', '/', blanks and stray low bits in the last character.
std::optional<std::string> base64url_decode(std::string_view text);
// As above into a buffer that is used again (its old content goes). False: refused, the content of `out` is
// unspecified.
bool base64url_decode_into(std::string_view text, std::string& out);

}  // namespace sallyport::jose
