// What an endpoint answers when it can't do what was asked: the error column of CONTRACT section 2 as data,
// and which failure of users and sessions is which row of it. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "auth/sessions/session_service.hpp"
#include "auth/store_error.hpp"
#include "auth/users/user_service.hpp"

namespace sallyport::gateway::endpoints {

struct Failure {
  unsigned status = 400;
  std::string_view error;        // static text, as the description
  std::string_view description;  // for a developer's eyes
  std::chrono::seconds retry_after{0};
  users::FieldProblems fields;  // of a 422
  std::string reason;           // for the log alone
};

Failure failure_of(const StoreError& error);
Failure failure_of(const users::UserError& error);
Failure failure_of(const sessions::OpenError& error);
Failure failure_of(const sessions::RefreshError& error);
// `by_refresh_token`: the client gave one, so an invalid one is named as such.
Failure failure_of(const sessions::LogoutError& error, bool by_refresh_token);

Failure invalid_request(std::string_view description, std::string reason = {});  // 400
Failure invalid_fields(users::FieldProblems fields);                             // 422

}  // namespace sallyport::gateway::endpoints
