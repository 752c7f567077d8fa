// The JSON object that a request to an endpoint carries, and its members taken out one by one with every
// problem noted, so that a client hears of all of them at once. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "auth/users/user_service.hpp"
#include "config/secret.hpp"
#include "gateway/endpoints/dialect.hpp"
#include "gateway/message.hpp"

namespace sallyport::gateway::endpoints {

// Is the body JSON by its Content-Type: application/json, perhaps with charset=utf-8, and not encoded?
bool says_json(const RequestHead& head);

// The error is for a log. The object's memory is wiped when it is freed: it may hold passwords.
boost::system::result<boost::json::object, std::string> parse_object(std::string_view text);

inline constexpr std::string_view kFieldRequired = "This field is required.";

// Borrows both. Names and problems are in our words. A member that is null counts as not there; unknown ones
// are never looked at.
class Fields {
 public:
  Fields(const boost::json::object& object, const Dialect& dialect) : object_(object), dialect_(dialect) {}

  std::string required(std::string_view name);
  config::Secret required_secret(std::string_view name);
  std::optional<std::string> optional(std::string_view name);
  config::Secret optional_secret(std::string_view name);  // empty: not there

  bool good() const { return problems_.empty(); }
  const users::FieldProblems& problems() const { return problems_; }

 private:
  std::optional<std::string_view> look(std::string_view name, bool required);

  const boost::json::object& object_;
  const Dialect& dialect_;
  users::FieldProblems problems_;
};

}  // namespace sallyport::gateway::endpoints
