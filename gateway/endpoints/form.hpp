// The body of a request to an OAuth endpoint: application/x-www-form-urlencoded, its parameters taken apart
// (RFC 6749 appendix B). Pure.
#pragma once

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/secret.hpp"
#include "gateway/message.hpp"

namespace sallyport::gateway::endpoints {

// %XX and + decoded. nullopt: a broken escape, or bytes that are no UTF-8.
std::optional<std::string> form_decoded(std::string_view text);

// Wiped when it dies: it may hold passwords.
class Form {
 public:
  // The error is for a developer's eyes: a broken escape, a parameter that stands there twice, too many.
  static boost::system::result<Form, std::string_view> parse(std::string_view body);

  // A parameter without a value counts as not there (RFC 6749 section 3.2). Lives as long as the form.
  std::optional<std::string_view> find(std::string_view name) const;

 private:
  std::vector<std::pair<config::Secret, config::Secret>> parameters_;
};

// Is that the body's type by its Content-Type?
bool says_form(const RequestHead& head);

}  // namespace sallyport::gateway::endpoints
