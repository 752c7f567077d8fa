#include "gateway/endpoints/failure.hpp"

#include <algorithm>

namespace sallyport::gateway::endpoints {
namespace {

constexpr std::chrono::seconds kSoon{1};

Failure failure(unsigned status, std::string_view error, std::string_view description) {
  Failure made;
  made.status = status;
  made.error = error;
  made.description = description;
  return made;
}

Failure account_disabled(unsigned status) {
  return failure(status, "account_disabled", "This account is disabled");
}

}  // namespace

Failure failure_of(const StoreError& error) {
  Failure made = failure(503, "store_unavailable", "The session store cannot be reached; try again");
  made.retry_after = kSoon;
  made.reason = error.detail;
  return made;
}

Failure failure_of(const users::UserError& error) {
  using Kind = users::UserError::Kind;
  switch (error.kind) {
    case Kind::login_failure:
      return failure(401, "login_failure", "The user name or the password is wrong");
    case Kind::account_disabled:
      return account_disabled(403);
    case Kind::email_unconfirmed:
      return failure(403, "email_unconfirmed", "The e-mail address of this account is not confirmed");
    case Kind::too_many_attempts: {
      Failure made = failure(429, "too_many_attempts", "Too many failed attempts; try again later");
      made.retry_after = std::max(error.retry_after, kSoon);
      return made;
    }
    case Kind::store:
      return failure_of(error.store);
    case Kind::validation_failed:
      return invalid_fields(error.fields);
    case Kind::username_taken:
      return failure(409, "username_taken", "This user name is taken");
    case Kind::unknown_user:  // the token outlived its account
      return failure(401, "token_invalid", "The access token is not valid");
    case Kind::overloaded:
    case Kind::conflict:
      break;
  }
  Failure made = failure(503, "overloaded", "Too many requests wait already; try again");
  made.retry_after = kSoon;
  if (error.kind == Kind::conflict) made.reason = "others kept changing the user";
  return made;
}

Failure failure_of(const sessions::OpenError& error) {
  if (error.failure == sessions::OpenFailure::sessions_full)
    return failure(403, "sessions_full", "This user has as many sessions as are allowed; end one first");
  return failure_of(error.store);
}

Failure failure_of(const sessions::RefreshError& error) {
  using Kind = sessions::RefreshFailure;
  const std::string_view name = sessions::to_string(error.failure);
  switch (error.failure) {
    case Kind::invalid:
      return failure(401, name, "The refresh token is not valid");
    case Kind::expired:
      return failure(401, name, "The session has reached its end; log in again");
    case Kind::idle:
      return failure(401, name, "The session was not used for too long; log in again");
    case Kind::reused:
      return failure(401, name, "The refresh token was used before; its session is ended");
    case Kind::revoked:
      return failure(401, name, "The session was ended; log in again");
    case Kind::account_disabled:
      return account_disabled(401);
    case Kind::superseded:
      return failure(409, name, "This session was refreshed just now; use the tokens of that answer");
    case Kind::store_unavailable:
      break;
  }
  return failure_of(error.store);
}

Failure failure_of(const sessions::LogoutError& error, bool by_refresh_token) {
  switch (error.failure) {
    case sessions::LogoutFailure::invalid:
      return by_refresh_token ? failure(401, "refresh_invalid", "The refresh token is not valid")
                              : failure(401, "token_invalid", "The access token is not valid");
    case sessions::LogoutFailure::mismatch:
      return invalid_request("The two tokens are of different sessions");
    case sessions::LogoutFailure::store_unavailable:
      break;
  }
  return failure_of(error.store);
}

Failure invalid_request(std::string_view description, std::string reason) {
  Failure made = failure(400, "invalid_request", description);
  made.reason = std::move(reason);
  return made;
}

Failure invalid_fields(users::FieldProblems fields) {
  Failure made = failure(422, "validation_failed", "Some fields are missing or not valid");
  made.fields = std::move(fields);
  return made;
}

}  // namespace sallyport::gateway::endpoints
