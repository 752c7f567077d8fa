// A folder of key files, as key_directory.hpp needs it: reached through its descriptor, locked against other
// processes, changed file by file so that a death at any point leaves old or new, never half. Blocking.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/jose/keys.hpp"
#include "config/secret.hpp"

namespace sallyport::jose {

// Owns a file descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

// A message where a value could be made of a string too, and a bare one would be ambiguous.
struct Failed {
  std::string message;
  template <typename T>
  operator KeyResult<T>() && {
    return KeyResult<T>(boost::system::in_place_error, std::move(message));
  }
};
inline Failed failed(std::string message) { return {std::move(message)}; }

inline constexpr mode_t kOthersRead = 077, kOthersWrite = 022;

// Its files are reached through its descriptor, so a folder that is moved meanwhile isn't mixed up.
class Folder {
 public:
  static KeyResult<Folder> open(const std::string& path, bool create);

  // Held while the descriptor lives. Waits for other processes, but not for ever.
  KeyResult<Fd> lock() const;
  // The same without waiting; nothing: another process holds it.
  KeyResult<std::optional<Fd>> try_lock() const;

  bool has(const std::string& name) const;
  // When the file was put there and which it is; nothing: there is none.
  struct Stamp {
    ino_t inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  std::optional<Stamp> stamp(const std::string& name) const;
  // Refuses what isn't a regular file, is larger than `limit`, or has one of the mode bits `forbidden`.
  KeyResult<config::Secret> read(const std::string& name, std::size_t limit, mode_t forbidden) const;
  // All or nothing, also when the machine dies. Under the lock, so that the temporary name is ours alone.
  KeyResult<void> write(const std::string& name, std::string_view text) const;
  KeyResult<void> remove(const std::string& name) const;  // fine where there is none
  std::vector<std::string> names() const;
  // Removes what an interrupted write() left. Under the lock.
  KeyResult<void> tidy() const;

  std::string full(std::string_view name) const;

 private:
  Folder(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  KeyResult<Fd> open_lock() const;
  bool give_to_owner(int fd) const;
  KeyResult<void> sync() const;

  std::string path_;
  Fd fd_;
  struct stat stat_{};
};

}  // namespace sallyport::jose
