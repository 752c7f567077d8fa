#include "auth/jose/key_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

namespace sallyport::jose {
namespace {

using config::Secret;

const std::string kLock = ".lock", kTemporary = ".tmp-";
constexpr int kLockTries = 3000;  // 30 s: longer than any key takes to be made
constexpr std::chrono::milliseconds kLockPause{10};

std::string fault(std::string_view act, const std::string& path) {
  const int error = errno;
  return "cannot " + std::string(act) + " " + path + ": " + std::generic_category().message(error);
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777u);
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

KeyResult<Folder> Folder::open(const std::string& path, bool create) {
  if (create && ::mkdir(path.c_str(), 0700) == 0) {
    const std::string parent = (std::filesystem::path(path) / "..").string();
    if (const Fd above(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); above)
      ::fsync(above.get());
  } else if (create && errno == ENOENT) {
    return "cannot make the key folder " + path + ": the folder above it doesn't exist; make that one first";
  } else if (create && errno != EEXIST) {
    // Where it is there, a read-only file system and the like are no obstacle yet.
    const std::string message = fault("make the key folder", path);
    if (::access(path.c_str(), F_OK) != 0) return message;
  }
  Folder folder(path, Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (!folder.fd_) {
    if (errno == ENOTDIR) return path + " is not a directory; signing keys need one of their own";
    if (errno == ENOENT) return "there are no keys in " + path + " yet (sallyport keys new makes them)";
    return fault("open the key folder", path);
  }
  if (::fstat(folder.fd_.get(), &folder.stat_) != 0) return fault("look at", path);
  if ((folder.stat_.st_mode & kOthersWrite) != 0)
    return path + " can be changed by others (mode " + octal(folder.stat_.st_mode) +
           "), who could put in keys of their own; make it private: chmod 700 " + path;
  return folder;
}

KeyResult<Fd> Folder::open_lock() const {
  Fd fd(::openat(fd_.get(), kLock.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd || !give_to_owner(fd.get())) return fault("make", full(kLock));
  return fd;
}

KeyResult<Fd> Folder::lock() const {
  auto fd = open_lock();
  if (!fd) return fd;
  for (int i = 0; i < kLockTries; ++i) {
    if (::flock(fd->get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno != EWOULDBLOCK && errno != EINTR) return fault("lock", full(kLock));
    std::this_thread::sleep_for(kLockPause);
  }
  return "another process holds " + full(kLock) + " for too long; end it and try again";
}

KeyResult<std::optional<Fd>> Folder::try_lock() const {
  auto fd = open_lock();
  if (!fd) return fd.error();
  if (::flock(fd->get(), LOCK_EX | LOCK_NB) == 0) return std::optional<Fd>(std::move(*fd));
  if (errno != EWOULDBLOCK && errno != EINTR) return fault("lock", full(kLock));
  return std::optional<Fd>();
}

bool Folder::has(const std::string& name) const {
  struct stat found{};
  return ::fstatat(fd_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
}

std::optional<Folder::Stamp> Folder::stamp(const std::string& name) const {
  struct stat found{};
  if (::fstatat(fd_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return Stamp{found.st_ino, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

KeyResult<Secret> Folder::read(const std::string& name, std::size_t limit, mode_t forbidden) const {
  const Fd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return failed(fault("open", full(name)));
  struct stat found{};
  if (::fstat(fd.get(), &found) != 0) return failed(fault("look at", full(name)));
  if (!S_ISREG(found.st_mode)) return failed(full(name) + " is not a regular file");
  if ((found.st_mode & forbidden) != 0)
    return failed(full(name) + " can be " + (forbidden == kOthersRead ? "read or changed" : "changed") +
                  " by others (mode " + octal(found.st_mode) + "); make it private: chmod 600 " + full(name));
  std::string text(limit + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const std::string message = fault("read", full(name));
      OPENSSL_cleanse(text.data(), text.size());
      return failed(message);
    }
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  Secret result(std::move(text));
  if (size > limit) return failed(full(name) + " is larger than " + std::to_string(limit) + " bytes");
  return result;
}

KeyResult<void> Folder::write(const std::string& name, std::string_view text) {
  const std::string temporary = kTemporary + name;
  ::unlinkat(fd_.get(), temporary.c_str(), 0);
  Fd fd(::openat(fd_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fault("make", full(temporary));
  std::string message;
  if (::fchmod(fd.get(), 0600) != 0 || !give_to_owner(fd.get()) || !write_all(fd.get(), text) ||
      ::fsync(fd.get()) != 0) {
    message = fault("write", full(temporary));
  } else if (::renameat(fd_.get(), temporary.c_str(), fd_.get(), name.c_str()) != 0) {
    message = fault("put in place", full(name));
  }
  if (message.empty()) return sync();
  ::unlinkat(fd_.get(), temporary.c_str(), 0);
  return message;
}

KeyResult<void> Folder::remove(const std::string& name) {
  if (::unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return fault("remove", full(name));
  return sync();
}

KeyResult<void> Folder::tidy() {
  for (const std::string& name : names()) {
    if (!name.starts_with(kTemporary)) continue;
    if (auto removed = remove(name); !removed) return removed;
  }
  return {};
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> result;
  const int fd = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const stream = fd >= 0 ? ::fdopendir(fd) : nullptr;
  if (stream == nullptr) {
    if (fd >= 0) ::close(fd);
    return result;
  }
  while (const dirent* entry = ::readdir(stream)) result.emplace_back(entry->d_name);
  ::closedir(stream);
  return result;
}

std::string Folder::full(std::string_view name) const {
  return (std::filesystem::path(path_) / name).string();
}

// An administrator's `keys rotate` must not leave files that the gateway's own user can't read.
bool Folder::give_to_owner(int fd) const {
  return ::geteuid() != 0 || stat_.st_uid == 0 || ::fchown(fd, stat_.st_uid, stat_.st_gid) == 0;
}

KeyResult<void> Folder::sync() const {
  // EINVAL: a file system that has no such thing for folders.
  if (::fsync(fd_.get()) != 0 && errno != EINVAL) return fault("make lasting", path_);
  return {};
}

}  // namespace sallyport::jose
