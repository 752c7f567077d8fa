// Users who belong to somebody else: they can log in here, and are created, changed and deleted where they
// belong. The base of every source but the gateway's own store.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "auth/users/user_store.hpp"

namespace sallyport::users {

class ForeignUsers : public UserStore {
 public:
  // `owner`: where they are to be changed, for the operator: "the file users.yaml".
  explicit ForeignUsers(std::string owner) : owner_(std::move(owner)) {}

  Task<StoreResult<bool>> add(User) override { co_return not_here(); }
  Task<StoreResult<bool>> update(User) override { co_return not_here(); }
  Task<StoreResult<bool>> remove(std::string_view) override { co_return not_here(); }
  Task<StoreResult<Page>> list(std::string, std::size_t) override { co_return not_here(); }
  Task<StoreResult<bool>> replace_hash(User, std::string) override { co_return false; }

 private:
  StoreError not_here() const {
    return {StoreError::Kind::refused, "users come from " + owner_ + ": they are changed there"};
  }

  std::string owner_;
};

}  // namespace sallyport::users
