// `users.source: file`. One UserFile per process holds the list in force; each worker's FileUsers reads it.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "auth/users/foreign_users.hpp"
#include "auth/users/user_list.hpp"

namespace sallyport::users {

class UserFile {
 public:
  UserFile(std::string path, config::NewUser fresh) : path_(std::move(path)), fresh_(std::move(fresh)) {}

  // Reads the file if it changed since the last look; `changed` says so. The problems are for the operator;
  // with any, the list of before stays in force. Blocking; one thread.
  struct Outcome {
    bool changed = false;
    std::vector<std::string> problems;
  };
  Outcome refresh();

  // Any thread. The lock is held for the copy of a pointer; logins and refreshes take it, no other request.
  std::shared_ptr<const UserList> current() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  config::NewUser fresh_;
  struct stat seen_{};
  bool missing_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<const UserList> list_ = std::make_shared<const UserList>();
};

class FileUsers final : public ForeignUsers {
 public:
  explicit FileUsers(std::shared_ptr<const UserFile> file)
      : ForeignUsers("the file " + file->path()), file_(std::move(file)) {}

  Task<StoreResult<std::optional<User>>> find_by_name(std::string_view name) override;
  Task<StoreResult<std::optional<User>>> find_by_id(std::string_view id) override;
  Task<StoreResult<Page>> list(std::string cursor, std::size_t limit) override;

 private:
  std::shared_ptr<const UserFile> file_;
};

}  // namespace sallyport::users
