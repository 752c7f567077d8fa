// Whose key would be needed for a token that couldn't be verified for want of it. Unverified: good for
// nothing but asking that issuer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::jose {

struct KeyWish {
  std::string issuer;
  std::string key_id;  // empty: the token names none
};

// For a token that the verifier refused as unknown_key; of any other nothing, or something harmless.
std::optional<KeyWish> key_wish(std::string_view token);

}  // namespace sallyport::jose
