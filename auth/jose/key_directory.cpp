#include "auth/jose/key_directory.hpp"

#include <utility>

#include "auth/jose/key_acts.hpp"
#include "auth/jose/key_folder.hpp"

namespace sallyport::jose {
namespace {

const std::string kState = "state.json";

// The folder while we change it: locked, and free of an interrupted process' leavings.
struct Locked {
  Folder folder;
  Fd lock;
};

KeyResult<Locked> lock(const std::string& path, bool create) {
  auto folder = Folder::open(path, create);
  if (!folder) return folder.error();
  auto lock = folder->lock();
  if (!lock) return lock.error();
  Locked locked{std::move(*folder), std::move(*lock)};
  if (const auto tidied = locked.folder.tidy(); !tidied) return tidied.error();
  return locked;
}

// No algorithm: the MAC keys alone.
KeyResult<OwnKeys> open_keys(const std::string& path, std::optional<Algorithm> algorithm, UnixSeconds now) {
  std::string problem;
  // Without the lock at first: nothing to write is the rule, and the folder may be read-only. Whoever changes
  // it just now makes this fail at worst, and the second look waits for them.
  if (const auto folder = Folder::open(path, false); folder && folder->has(kState)) {
    auto entries = acts::read_state(*folder);
    if (entries && acts::complete(*entries, algorithm)) {
      auto keys = acts::load(*folder, *entries, algorithm.has_value());
      if (keys) return keys;
      problem = keys.error();
    }
  }
  auto locked = lock(path, true);
  if (!locked) return problem.empty() ? locked.error() : problem;
  auto change = acts::begin(locked->folder);
  if (!change) return problem.empty() ? change.error() : problem;
  if (const auto made = acts::make_missing(*change, algorithm, now); !made) return made.error();
  return acts::load(locked->folder, change->entries, algorithm.has_value());
}

}  // namespace

KeyDirectory::KeyDirectory(std::string path, Algorithm algorithm)
    : path_(std::move(path)), algorithm_(algorithm) {}

KeyResult<OwnKeys> KeyDirectory::open(UnixSeconds now) {
  if (auto problem = acts::refuse_symmetric(algorithm_)) return std::move(*problem);
  return open_keys(path_, algorithm_, now);
}

KeyResult<std::vector<MacKey>> KeyDirectory::open_refresh_only(UnixSeconds now) {
  auto keys = open_keys(path_, std::nullopt, now);
  if (!keys) return keys.error();
  return std::move(keys->refresh);
}

KeyResult<std::string> KeyDirectory::rotate(UnixSeconds now) {
  if (auto problem = acts::refuse_symmetric(algorithm_)) return failed(std::move(*problem));
  auto locked = lock(path_, true);
  if (!locked) return failed(locked.error());
  auto change = acts::begin(locked->folder);
  if (!change) return failed(change.error());
  return acts::rotate(*change, algorithm_, now);
}

KeyResult<std::string> KeyDirectory::rotate_refresh(UnixSeconds now) {
  auto locked = lock(path_, true);
  if (!locked) return failed(locked.error());
  auto change = acts::begin(locked->folder);
  if (!change) return failed(change.error());
  return acts::rotate_refresh(*change, now);
}

KeyResult<void> KeyDirectory::revoke(std::string_view id, UnixSeconds now) {
  auto locked = lock(path_, false);
  if (!locked) return locked.error();
  auto change = acts::begin(locked->folder);
  if (!change) return change.error();
  return acts::revoke(*change, algorithm_, id, now);
}

KeyResult<bool> KeyDirectory::tend(const RotationRules& rules, UnixSeconds now) {
  if (symmetric(algorithm_)) return false;
  auto folder = Folder::open(path_, false);
  if (!folder) return folder.error();
  const auto seen = acts::read_state(*folder);
  if (!seen) return seen.error();
  if (plan_rotation(*seen, algorithm_, rules, now).empty()) return false;
  auto lock = folder->try_lock();
  if (!lock) return lock.error();
  if (!*lock) return false;
  if (const auto tidied = folder->tidy(); !tidied) return tidied.error();
  // Again, under the lock: whoever had it before us may have done it.
  auto change = acts::begin(*folder);
  if (!change) return change.error();
  return acts::tend(*change, algorithm_, rules, now);
}

std::optional<KeyDirectory::Stamp> KeyDirectory::stamp() const {
  const auto folder = Folder::open(path_, false);
  return folder ? folder->stamp(kState) : std::nullopt;
}

KeyResult<std::vector<KeyInfo>> KeyDirectory::list() {
  const auto folder = Folder::open(path_, false);
  if (!folder) return folder.error();
  return acts::list(*folder);
}

}  // namespace sallyport::jose
