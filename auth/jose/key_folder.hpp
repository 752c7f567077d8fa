// A folder of key files, as key_directory.hpp needs it: reached through its descriptor, locked against other
// processes, changed file by file so that a death at any point leaves old or new, never half. Blocking.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/jose/key_files.hpp"

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

// Its files are reached through its descriptor, so a folder that is moved meanwhile isn't mixed up.
class Folder final : public KeyFiles {
 public:
  static KeyResult<Folder> open(const std::string& path, bool create);

  // Held while the descriptor lives. Waits for other processes, but not for ever.
  KeyResult<Fd> lock() const;
  // The same without waiting; nothing: another process holds it.
  KeyResult<std::optional<Fd>> try_lock() const;

  bool has(const std::string& name) const override;
  // When the file was put there and which it is; nothing: there is none.
  struct Stamp {
    ino_t inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  std::optional<Stamp> stamp(const std::string& name) const;
  // Refuses what isn't a regular file too.
  KeyResult<config::Secret> read(const std::string& name, std::size_t limit, mode_t forbidden) const override;
  // All or nothing, also when the machine dies. Under the lock, so that the temporary name is ours alone.
  KeyResult<void> write(const std::string& name, std::string_view text) override;
  KeyResult<void> remove(const std::string& name) override;
  std::vector<std::string> names() const override;
  // Removes what an interrupted write() left. Under the lock.
  KeyResult<void> tidy();

  std::string full(std::string_view name) const override;

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
