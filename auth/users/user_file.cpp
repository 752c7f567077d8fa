#include "auth/users/user_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace sallyport::users {
namespace {

constexpr std::streamsize kMaxBytes = 64 * 1024 * 1024;

// An editor writes a new file in its place, a script appends: both show here.
bool same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

std::optional<User> copy_of(const User* user) { return user ? std::optional(*user) : std::nullopt; }

}  // namespace

UserFile::Outcome UserFile::refresh() {
  struct stat now{};
  if (::stat(path_.c_str(), &now) != 0) {
    const int reason = errno;
    seen_ = {};
    if (std::exchange(missing_, true)) return {};
    return {true, {path_ + ": " + std::strerror(reason) + "; users.file.path names the file with the users"}};
  }
  missing_ = false;
  if (same(now, seen_)) return {};
  seen_ = now;
  std::ifstream in(path_, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad() || !in.is_open())
    return {true, {path_ + ": this file can't be read; check its owner and mode"}};
  if (static_cast<std::streamsize>(text.size()) > kMaxBytes)
    return {true, {path_ + ": more than 64 MiB; keep so many users in a database"}};
  auto parsed = parse_user_list(text, path_, fresh_);
  if (!parsed) return {true, parsed.error()};
  const std::lock_guard lock(mutex_);
  list_ = std::move(*parsed);
  return {true, {}};
}

std::shared_ptr<const UserList> UserFile::current() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

Task<StoreResult<std::optional<User>>> FileUsers::find_by_name(std::string_view name) {
  co_return copy_of(file_->current()->find_by_name(name));
}

Task<StoreResult<std::optional<User>>> FileUsers::find_by_id(std::string_view id) {
  co_return copy_of(file_->current()->find_by_id(id));
}

Task<StoreResult<users::UserStore::Page>> FileUsers::list(std::string cursor, std::size_t limit) {
  Page page;
  page.users = file_->current()->after(cursor, limit);
  if (page.users.size() == limit && limit > 0) page.next = page.users.back().id;
  co_return page;
}

}  // namespace sallyport::users
