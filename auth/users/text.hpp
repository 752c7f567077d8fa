// What strangers' text has to be before we keep or hash it: UTF-8 without control characters.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sallyport::users {

// The number of characters (code points) of valid UTF-8 (RFC 3629: no overlong form, no surrogate); else
// nullopt.
std::optional<std::size_t> count_characters(std::string_view text);

// Has it a C0, DEL or C1 control character? (For valid UTF-8.)
bool has_control(std::string_view text);

// A name or id that another source of users can be asked about: at most 256 characters. What a database would
// refuse, or could take for another text, is nobody's.
bool askable(std::string_view key);

}  // namespace sallyport::users
