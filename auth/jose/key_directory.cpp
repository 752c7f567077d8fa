#include "auth/jose/key_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/jose/openssl.hpp"
#include "auth/jose/strict_json.hpp"

namespace sallyport::jose {
namespace {

namespace json = boost::json;
using boost::system::in_place_value;
using config::Secret;

const std::string kState = "state.json", kLock = ".lock", kTemporary = ".tmp-";
constexpr std::string_view kRefresh = "refresh", kCurrent = "current", kRetired = "retired";
constexpr std::size_t kMaxKeys = 128, kMaxStateSize = 64 * 1024, kMaxKeyFile = 32 * 1024;
constexpr std::size_t kRefreshId = 8, kRefreshIdBytes = 6, kRefreshSecret = 32;
constexpr std::int64_t kLastSecond = 253402300799;  // of the year 9999
constexpr int kLockTries = 3000;                    // 30 s: longer than any key takes to be made
constexpr std::chrono::milliseconds kLockPause{10};
constexpr mode_t kOthersRead = 077, kOthersWrite = 022;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string fault(std::string_view act, const std::string& path) {
  const int error = errno;
  return "cannot " + std::string(act) + " " + path + ": " + std::generic_category().message(error);
}

// For values that could be made of a string too, where a bare message would be ambiguous.
struct Failed {
  std::string message;
  template <typename T>
  operator KeyResult<T>() && {
    return KeyResult<T>(boost::system::in_place_error, std::move(message));
  }
};
Failed failed(std::string message) { return {std::move(message)}; }

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

// The open folder: its files are reached through its descriptor, so a folder that is moved meanwhile isn't
// mixed up.
class Folder {
 public:
  static KeyResult<Folder> open(const std::string& path, bool create) {
    if (create && ::mkdir(path.c_str(), 0700) == 0) {
      const std::string parent = (std::filesystem::path(path) / "..").string();
      if (const Fd above(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); above)
        ::fsync(above.get());
    } else if (create && errno == ENOENT) {
      return "cannot make the key folder " + path +
             ": the folder above it doesn't exist; make that one first";
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

  // Waits for other processes, but not for ever. Held while the descriptor lives.
  KeyResult<Fd> lock() const {
    Fd fd(::openat(fd_.get(), kLock.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd || !give_to_owner(fd.get())) return fault("make", full(kLock));
    for (int i = 0; i < kLockTries; ++i) {
      if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
      if (errno != EWOULDBLOCK && errno != EINTR) return fault("lock", full(kLock));
      std::this_thread::sleep_for(kLockPause);
    }
    return "another process holds " + full(kLock) + " for too long; end it and try again";
  }

  bool has(const std::string& name) const {
    struct stat found{};
    return ::fstatat(fd_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
  }

  KeyResult<Secret> read(const std::string& name, std::size_t limit, mode_t forbidden) const {
    const Fd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return failed(fault("open", full(name)));
    struct stat found{};
    if (::fstat(fd.get(), &found) != 0) return failed(fault("look at", full(name)));
    if (!S_ISREG(found.st_mode)) return failed(full(name) + " is not a regular file");
    if ((found.st_mode & forbidden) != 0)
      return failed(full(name) + " can be " + (forbidden == kOthersRead ? "read or changed" : "changed") +
                    " by others (mode " + octal(found.st_mode) + "); make it private: chmod 600 " +
                    full(name));
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

  // All or nothing, also when the machine dies. Under the lock, so that the temporary name is ours alone.
  KeyResult<void> write(const std::string& name, std::string_view text) const {
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

  KeyResult<void> remove(const std::string& name) const {
    if (::unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return fault("remove", full(name));
    return sync();
  }

  std::vector<std::string> names() const {
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

  std::string full(std::string_view name) const { return (std::filesystem::path(path_) / name).string(); }

 private:
  Folder(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  // An administrator's `keys rotate` must not leave files that the gateway's own user can't read.
  bool give_to_owner(int fd) const {
    return ::geteuid() != 0 || stat_.st_uid == 0 || ::fchown(fd, stat_.st_uid, stat_.st_gid) == 0;
  }

  KeyResult<void> sync() const {
    // EINVAL: a file system that has no such thing for folders.
    if (::fsync(fd_.get()) != 0 && errno != EINVAL) return fault("make lasting", path_);
    return {};
  }

  std::string path_;
  Fd fd_;
  struct stat stat_{};
};

using Entries = std::vector<KeyInfo>;  // oldest first, as in state.json

bool is_refresh(const KeyInfo& key) { return key.kind == kRefresh; }
bool is_current(const KeyInfo& key) { return key.state == kCurrent; }

// What may become part of a file's name.
bool good_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string pem_name(std::string_view id) { return std::string(id) + ".pem"; }
std::string refresh_name(std::string_view id) { return "refresh-" + std::string(id) + ".key"; }
std::string file_name(const KeyInfo& key) {
  return is_refresh(key) ? refresh_name(key.id) : pem_name(key.id);
}

std::optional<UnixSeconds> time_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const std::int64_t seconds = value->get_int64();
  if (seconds < 0 || seconds > kLastSecond) return std::nullopt;
  return UnixSeconds(std::chrono::seconds(seconds));
}

std::optional<KeyInfo> parse_entry(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  const auto text = [&](std::string_view name) {
    const json::value* member = object.if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
  };
  KeyInfo key{text("id"), text("kind"), text("state"), {}, time_in(object, "retired")};
  const auto created = time_in(object, "created");
  const auto algorithm = parse_algorithm(key.kind);
  const bool retired = key.state == kRetired;
  if (!created || !good_id(key.id) || (!retired && !is_current(key)) || retired != key.retired.has_value() ||
      object.size() != (retired ? 5u : 4u))
    return std::nullopt;
  if (is_refresh(key) ? key.id.size() != kRefreshId : !algorithm || symmetric(*algorithm))
    return std::nullopt;
  key.created = *created;
  return key;
}

// The error says what is wrong with it.
KeyResult<Entries> parse_state(std::string_view text) {
  const auto parsed = parse_strict_json(text);
  if (!parsed) return parsed.error();
  const json::object* object = parsed->if_object();
  const json::value* version = object != nullptr ? object->if_contains("version") : nullptr;
  const json::value* keys = object != nullptr ? object->if_contains("keys") : nullptr;
  if (version == nullptr || keys == nullptr || object->size() != 2 || !keys->is_array())
    return "it is not a list of keys";
  if (!version->is_int64() || version->get_int64() != 1) return "its version is not 1";
  if (keys->get_array().size() > kMaxKeys) return "it has more than " + std::to_string(kMaxKeys) + " keys";
  Entries entries;
  int current_signing = 0, current_refresh = 0;
  for (const json::value& value : keys->get_array()) {
    auto key = parse_entry(value);
    const std::string place = "key number " + std::to_string(entries.size() + 1);
    if (!key) return place + " is not one that we know";
    if (std::any_of(entries.begin(), entries.end(), [&](const KeyInfo& k) { return k.id == key->id; }))
      return place + " has the id of another";
    if (is_current(*key) && ++(is_refresh(*key) ? current_refresh : current_signing) > 1)
      return place + " is the second current one";
    entries.push_back(std::move(*key));
  }
  return entries;
}

std::string write_state(const Entries& entries) {
  json::array keys;
  for (const KeyInfo& key : entries) {
    json::object object{{"id", key.id},
                        {"kind", key.kind},
                        {"state", key.state},
                        {"created", key.created.time_since_epoch().count()}};
    if (key.retired) object["retired"] = key.retired->time_since_epoch().count();
    keys.push_back(std::move(object));
  }
  return json::serialize(json::object{{"version", 1}, {"keys", std::move(keys)}}) + "\n";
}

KeyResult<Entries> read_state(const Folder& folder) {
  const auto text = folder.read(kState, kMaxStateSize, kOthersWrite);
  if (!text) return text.error();
  auto entries = parse_state(text->reveal());
  if (!entries)
    return folder.full(kState) + " is damaged (" + entries.error() +
           "); restore it from a backup, or move the folder away to start with new keys";
  return entries;
}

KeyInfo* current(Entries& entries, bool refresh) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const KeyInfo& key) {
    return is_current(key) && is_refresh(key) == refresh;
  });
  return found == entries.end() ? nullptr : &*found;
}

bool has_signing(Entries& entries, std::optional<Algorithm> algorithm) {
  const KeyInfo* key = current(entries, false);
  return !algorithm || (key != nullptr && key->kind == to_string(*algorithm));
}

KeyResult<Key> load_signing(const Folder& folder, const KeyInfo& info) {
  const auto pem = folder.read(file_name(info), kMaxKeyFile, kOthersRead);
  if (!pem) return failed(pem.error());
  auto key = key_from_pem(pem->reveal(), parse_algorithm(info.kind));
  if (!key) return failed(folder.full(file_name(info)) + ": " + key.error());
  if (key->id != info.id)
    return failed(folder.full(file_name(info)) + " holds another key than its name says");
  if (is_current(info) && !key->can_sign)
    return failed(folder.full(file_name(info)) +
                  " has no private key; make a new one: sallyport keys rotate");
  return key;
}

KeyResult<MacKey> load_refresh(const Folder& folder, const KeyInfo& info) {
  const auto file = folder.read(file_name(info), kMaxKeyFile, kOthersRead);
  if (!file) return failed(file.error());
  std::string_view text = file->reveal();
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto bytes = base64url_decode(text);
  Secret secret(bytes ? std::move(*bytes) : std::string());
  if (secret.size() != kRefreshSecret)
    return failed(folder.full(file_name(info)) +
                  " is not 32 bytes in base64url; remove this key: sallyport keys revoke -- " + info.id);
  return MacKey{info.id, std::move(secret)};
}

KeyResult<OwnKeys> load(const Folder& folder, const Entries& entries, bool with_signing) {
  OwnKeys result;
  std::vector<Key> verifying;
  for (auto info = entries.rbegin(); info != entries.rend(); ++info) {
    if (is_refresh(*info)) {
      auto key = load_refresh(folder, *info);
      if (!key) return key.error();
      result.refresh.push_back(std::move(*key));
    } else if (with_signing) {
      auto key = load_signing(folder, *info);
      if (!key) return key.error();
      if (is_current(*info)) result.signing = std::make_shared<const Key>(*key);
      verifying.push_back(std::move(*key));
    }
  }
  result.verifying = std::make_shared<const KeySet>(std::move(verifying));
  return result;
}

// The folder while we change it: locked, free of an interrupted process' leavings, with its state at hand.
struct Change {
  Folder folder;
  Fd lock;
  Entries entries;

  KeyResult<void> save() const { return folder.write(kState, write_state(entries)); }
};

KeyResult<Change> begin(const std::string& path, bool create) {
  auto folder = Folder::open(path, create);
  if (!folder) return folder.error();
  auto lock = folder->lock();
  if (!lock) return lock.error();
  Change change{std::move(*folder), std::move(*lock), {}};
  const auto names = change.folder.names();
  for (const std::string& name : names) {
    if (!name.starts_with(kTemporary)) continue;
    if (const auto removed = change.folder.remove(name); !removed) return removed.error();
  }
  if (change.folder.has(kState)) {
    auto entries = read_state(change.folder);
    if (!entries) return entries.error();
    change.entries = std::move(*entries);
    return change;
  }
  // State comes before the first key. So keys without one are not an interrupted start, and new ones in their
  // place would silently log everybody out.
  for (const std::string& name : names) {
    if (name.ends_with(".pem") || (name.starts_with("refresh-") && name.ends_with(".key")))
      return path + " has keys (" + name +
             ") but no state.json; restore it from a backup, or move the keys away";
  }
  if (const auto saved = change.save(); !saved) return saved.error();
  return change;
}

void retire(Entries& entries, bool refresh, UnixSeconds now) {
  if (KeyInfo* before = current(entries, refresh)) {
    before->state = kRetired;
    before->retired = now;
  }
}

KeyResult<void> room_for_one(const Change& change) {
  if (change.entries.size() < kMaxKeys) return {};
  return change.folder.full("") + " has " + std::to_string(kMaxKeys) +
         " keys, which is the most; remove old ones: sallyport keys revoke";
}

// Makes the key's file and the entry; save() makes it count.
KeyResult<void> add_signing(Change& change, Algorithm algorithm, UnixSeconds now) {
  if (auto room = room_for_one(change); !room) return room;
  const auto key = generate_key(algorithm);
  if (!key) return key.error();
  const Secret pem(private_pem(*key));
  if (pem.empty()) return "cannot write the new signing key as PEM";
  if (auto written = change.folder.write(pem_name(key->id), pem.reveal()); !written) return written;
  retire(change.entries, false, now);
  change.entries.push_back(
      {key->id, std::string(to_string(algorithm)), std::string(kCurrent), now, std::nullopt});
  return {};
}

KeyResult<void> add_refresh(Change& change, UnixSeconds now) {
  if (auto room = room_for_one(change); !room) return room;
  unsigned char id_bytes[kRefreshIdBytes], secret[kRefreshSecret];
  if (RAND_bytes(id_bytes, sizeof id_bytes) != 1 || RAND_priv_bytes(secret, sizeof secret) != 1) {
    ERR_clear_error();
    return "no random numbers from OpenSSL";
  }
  const std::string id = base64url_encode(text(id_bytes, sizeof id_bytes));
  const Secret encoded(base64url_encode(text(secret, sizeof secret)));
  OPENSSL_cleanse(secret, sizeof secret);
  const std::string name = refresh_name(id);
  if (change.folder.has(name)) return "the random id of a new key is taken: " + change.folder.full(name);
  if (auto written = change.folder.write(name, encoded.reveal()); !written) return written;
  retire(change.entries, true, now);
  change.entries.push_back({id, std::string(kRefresh), std::string(kCurrent), now, std::nullopt});
  return {};
}

std::string public_pem(const Key& key) {
  const ErrorQueueGuard guard;
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_PUBKEY(out.get(), key.pkey.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

// A retired key signs no more, so its private half goes. The change itself is done by now: what fails here is
// left to the next one, and a file that can't be read is told by open().
void forget_private_halves(const Change& change) {
  for (const KeyInfo& info : change.entries) {
    if (is_refresh(info) || is_current(info)) continue;
    const auto key = load_signing(change.folder, info);
    if (!key || !key->can_sign) continue;
    const std::string pem = public_pem(*key);
    if (!pem.empty()) (void)change.folder.write(pem_name(info.id), pem);
  }
}

// No algorithm: the MAC keys alone.
KeyResult<OwnKeys> open_keys(const std::string& path, std::optional<Algorithm> algorithm, UnixSeconds now) {
  std::string problem;
  const auto complete = [&](Entries& entries) {
    return has_signing(entries, algorithm) && current(entries, true) != nullptr;
  };
  // Without the lock at first: nothing to write is the rule, and the folder may be read-only. Whoever changes
  // it just now makes this fail at worst, and the second look waits for them.
  if (const auto folder = Folder::open(path, false); folder && folder->has(kState)) {
    auto entries = read_state(*folder);
    if (entries && complete(*entries)) {
      auto keys = load(*folder, *entries, algorithm.has_value());
      if (keys) return keys;
      problem = keys.error();
    }
  }
  auto change = begin(path, true);
  if (!change) return problem.empty() ? change.error() : problem;
  const bool was_complete = complete(change->entries);
  if (!has_signing(change->entries, algorithm)) {
    if (const auto added = add_signing(*change, *algorithm, now); !added) return added.error();
  }
  if (current(change->entries, true) == nullptr) {
    if (const auto added = add_refresh(*change, now); !added) return added.error();
  }
  if (!was_complete) {
    if (const auto saved = change->save(); !saved) return saved.error();
    forget_private_halves(*change);
  }
  return load(change->folder, change->entries, algorithm.has_value());
}

std::optional<std::string> refuse_symmetric(Algorithm algorithm) {
  if (!symmetric(algorithm)) return std::nullopt;
  return std::string(to_string(algorithm)) +
         " signs with tokens.signing.secret; a folder of signing keys is for asymmetric algorithms";
}

}  // namespace

KeyDirectory::KeyDirectory(std::string path, Algorithm algorithm)
    : path_(std::move(path)), algorithm_(algorithm) {}

KeyResult<OwnKeys> KeyDirectory::open(UnixSeconds now) {
  if (auto problem = refuse_symmetric(algorithm_)) return std::move(*problem);
  return open_keys(path_, algorithm_, now);
}

KeyResult<std::vector<MacKey>> KeyDirectory::open_refresh_only(UnixSeconds now) {
  auto keys = open_keys(path_, std::nullopt, now);
  if (!keys) return keys.error();
  return std::move(keys->refresh);
}

KeyResult<std::string> KeyDirectory::rotate(UnixSeconds now) {
  if (auto problem = refuse_symmetric(algorithm_)) return failed(std::move(*problem));
  auto change = begin(path_, true);
  if (!change) return failed(change.error());
  if (const auto added = add_signing(*change, algorithm_, now); !added) return failed(added.error());
  if (const auto saved = change->save(); !saved) return failed(saved.error());
  forget_private_halves(*change);
  return {in_place_value, change->entries.back().id};
}

KeyResult<std::string> KeyDirectory::rotate_refresh(UnixSeconds now) {
  auto change = begin(path_, true);
  if (!change) return failed(change.error());
  if (const auto added = add_refresh(*change, now); !added) return failed(added.error());
  if (const auto saved = change->save(); !saved) return failed(saved.error());
  return {in_place_value, change->entries.back().id};
}

KeyResult<void> KeyDirectory::revoke(std::string_view id) {
  auto change = begin(path_, false);
  if (!change) return change.error();
  auto& entries = change->entries;
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const KeyInfo& key) { return key.id == id; });
  if (found != entries.end()) {
    const std::string file = file_name(*found);
    entries.erase(found);
    if (auto saved = change->save(); !saved) return saved;
    return change->folder.remove(file);
  }
  if (good_id(id)) {
    for (const std::string& file : {pem_name(id), refresh_name(id)}) {
      if (change->folder.has(file)) return change->folder.remove(file);
    }
  }
  return "there is no such key in " + path_ + " (sallyport keys list shows them)";
}

KeyResult<std::vector<KeyInfo>> KeyDirectory::list() {
  const auto folder = Folder::open(path_, false);
  if (!folder) return folder.error();
  if (!folder->has(kState)) return "there are no keys in " + path_ + " yet (sallyport keys new makes them)";
  auto entries = read_state(*folder);
  if (!entries) return entries.error();
  std::reverse(entries->begin(), entries->end());
  return entries;
}

}  // namespace sallyport::jose
