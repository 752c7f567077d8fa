// Which failure is which status and word (CONTRACT section 2): few, documented, stable (S14).
#include "gateway/endpoints/failure.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::gateway::endpoints {
namespace {

using UserKind = users::UserError::Kind;
using sessions::RefreshFailure;

TEST(Failure, OfAUserIsARowOfTheContract) {
  struct Row {
    UserKind kind;
    unsigned status;
    std::string_view error;
  };
  const std::vector<Row> rows{
      {UserKind::login_failure, 401, "login_failure"},
      {UserKind::account_disabled, 403, "account_disabled"},
      {UserKind::email_unconfirmed, 403, "email_unconfirmed"},
      {UserKind::too_many_attempts, 429, "too_many_attempts"},
      {UserKind::overloaded, 503, "overloaded"},
      {UserKind::store, 503, "store_unavailable"},
      {UserKind::validation_failed, 422, "validation_failed"},
      {UserKind::username_taken, 409, "username_taken"},
      {UserKind::unknown_user, 401, "token_invalid"},
      {UserKind::conflict, 503, "overloaded"},
  };
  for (const Row& row : rows) {
    users::UserError error;
    error.kind = row.kind;
    const Failure failure = failure_of(error);
    EXPECT_EQ(failure.status, row.status) << row.error;
    EXPECT_EQ(failure.error, row.error);
    EXPECT_FALSE(failure.description.empty()) << row.error;
    EXPECT_EQ(failure.retry_after.count() > 0, row.status == 429 || row.status == 503) << row.error;
  }
}

TEST(Failure, OfTooManyAttemptsSaysHowLongToWait) {
  users::UserError error;
  error.kind = UserKind::too_many_attempts;
  error.retry_after = std::chrono::seconds(90);
  EXPECT_EQ(failure_of(error).retry_after, std::chrono::seconds(90));
}

TEST(Failure, OfARefreshIsARowOfTheContract) {
  struct Row {
    RefreshFailure kind;
    unsigned status;
    std::string_view error;
  };
  const std::vector<Row> rows{
      {RefreshFailure::invalid, 401, "refresh_invalid"},
      {RefreshFailure::expired, 401, "refresh_expired"},
      {RefreshFailure::idle, 401, "session_idle"},
      {RefreshFailure::reused, 401, "refresh_reused"},
      {RefreshFailure::revoked, 401, "session_revoked"},
      {RefreshFailure::account_disabled, 401, "account_disabled"},
      {RefreshFailure::superseded, 409, "refresh_superseded"},
      {RefreshFailure::store_unavailable, 503, "store_unavailable"},
  };
  for (const Row& row : rows) {
    const Failure failure = failure_of(sessions::RefreshError{row.kind, {}});
    EXPECT_EQ(failure.status, row.status) << row.error;
    EXPECT_EQ(failure.error, row.error);
  }
}

TEST(Failure, OfALogoutNamesTheTokenThatWasWrong) {
  using Kind = sessions::LogoutFailure;
  EXPECT_EQ(failure_of(sessions::LogoutError{Kind::invalid, {}}, true).error, "refresh_invalid");
  EXPECT_EQ(failure_of(sessions::LogoutError{Kind::invalid, {}}, false).error, "token_invalid");
  EXPECT_EQ(failure_of(sessions::LogoutError{Kind::mismatch, {}}, true).status, 400u);
  EXPECT_EQ(failure_of(sessions::LogoutError{Kind::store_unavailable, {}}, true).status, 503u);
}

TEST(Failure, OfASessionThatFindsNoRoomOrNoStore) {
  EXPECT_EQ(failure_of(sessions::OpenError{sessions::OpenFailure::sessions_full, {}}).error, "sessions_full");
  EXPECT_EQ(failure_of(sessions::OpenError{}).status, 503u);
}

TEST(Failure, TellsTheStoresTroubleToTheLogAlone) {
  const StoreError error{StoreError::Kind::timeout, "redis at 10.0.0.1 did not answer"};
  const Failure failure = failure_of(error);
  EXPECT_EQ(failure.reason, error.detail);
}

}  // namespace
}  // namespace sallyport::gateway::endpoints
