// Where our own keys lie, as what changes them needs it: named texts, written one by one. A folder
// (key_folder.hpp) or the store (key_ring.hpp) holds them.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/keys.hpp"
#include "config/secret.hpp"

namespace sallyport::jose {

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

class KeyFiles {
 public:
  virtual ~KeyFiles() = default;

  virtual bool has(const std::string& name) const = 0;
  // Refuses what is larger than `limit` or, in a folder, has one of the mode bits `forbidden`.
  virtual KeyResult<config::Secret> read(const std::string& name, std::size_t limit,
                                         mode_t forbidden) const = 0;
  virtual KeyResult<void> write(const std::string& name, std::string_view text) = 0;
  virtual KeyResult<void> remove(const std::string& name) = 0;  // fine where there is none
  virtual std::vector<std::string> names() const = 0;
  virtual std::string full(std::string_view name) const = 0;  // for messages
};

}  // namespace sallyport::jose
