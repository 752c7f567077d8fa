// What a request says about who sends it: the value of Authorization, taken apart (RFC 6750 section 2.1).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sallyport::policy {

struct Credential {
  enum class Kind : std::uint8_t {
    none,       // no field, or another scheme
    malformed,  // a repeated field, or Bearer without exactly one token
    bearer,
  };
  Kind kind = Kind::none;
  std::string_view token;  // into the field's value

  static Credential bearer(std::string_view token) {
    return {Kind::bearer, token};
  }  // from a cookie or ticket
};

// `values`: of every Authorization field of the request.
Credential parse_authorization(std::span<const std::string_view> values);
// Of the only one.
Credential parse_authorization(std::string_view value);

}  // namespace sallyport::policy
