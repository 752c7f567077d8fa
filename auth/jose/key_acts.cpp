#include "auth/jose/key_acts.hpp"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/jose/openssl.hpp"

namespace sallyport::jose::acts {
namespace {

using boost::system::in_place_value;
using config::Secret;

const std::string kState = "state.json";
constexpr std::size_t kMaxKeyFile = 32 * 1024;
constexpr std::size_t kRefreshIdBytes = 6, kRefreshSecret = 32;

KeyResult<void> save(const Change& change) { return change.files.write(kState, write_state(change.entries)); }

bool has_signing(Entries& entries, std::optional<Algorithm> algorithm) {
  const KeyInfo* key = current_of(entries, false);
  return !algorithm || (key != nullptr && key->kind == to_string(*algorithm));
}

KeyResult<Key> load_signing(const KeyFiles& files, const KeyInfo& info) {
  const auto pem = files.read(file_of(info), kMaxKeyFile, kOthersRead);
  if (!pem) return failed(pem.error());
  auto key = key_from_pem(pem->reveal(), parse_algorithm(info.kind));
  if (!key) return failed(files.full(file_of(info)) + ": " + key.error());
  if (key->id != info.id) return failed(files.full(file_of(info)) + " holds another key than its name says");
  if (!info.is_retired() && !key->can_sign)
    return failed(files.full(file_of(info)) + " has no private key; make a new one: sallyport keys rotate");
  return key;
}

KeyResult<MacKey> load_refresh(const KeyFiles& files, const KeyInfo& info) {
  const auto file = files.read(file_of(info), kMaxKeyFile, kOthersRead);
  if (!file) return failed(file.error());
  std::string_view text = file->reveal();
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto bytes = base64url_decode(text);
  Secret secret(bytes ? std::move(*bytes) : std::string());
  if (secret.size() != kRefreshSecret)
    return failed(files.full(file_of(info)) +
                  " is not 32 bytes in base64url; remove this key: sallyport keys revoke -- " + info.id);
  return MacKey{info.id, std::move(secret)};
}

KeyResult<void> room_for_one(Change& change) {
  if (change.entries.size() < kMaxKeys) return {};
  return change.files.full("") + " has " + std::to_string(kMaxKeys) +
         " keys, which is the most; remove old ones: sallyport keys revoke";
}

// Makes the key's file and the entry; save() makes it count.
KeyResult<void> add_signing(Change& change, Algorithm algorithm, UnixSeconds now,
                            const char* state = "current") {
  if (auto room = room_for_one(change); !room) return room;
  const auto key = generate_key(algorithm);
  if (!key) return key.error();
  const Secret pem(private_pem(*key));
  if (pem.empty()) return "cannot write the new signing key as PEM";
  if (auto written = change.files.write(signing_file(key->id), pem.reveal()); !written) return written;
  KeyInfo info{key->id, std::string(to_string(algorithm)), state, now, std::nullopt, std::nullopt};
  if (info.is_current()) retire_current(change.entries, false, now);
  change.entries.push_back(std::move(info));
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
  const std::string name = refresh_file(id);
  if (change.files.has(name)) return "the random id of a new key is taken: " + change.files.full(name);
  if (auto written = change.files.write(name, encoded.reveal()); !written) return written;
  retire_current(change.entries, true, now);
  change.entries.push_back({id, "refresh", "current", now, std::nullopt, std::nullopt});
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
void forget_private_halves(Change& change) {
  for (const KeyInfo& info : change.entries) {
    if (info.is_refresh() || !info.is_retired()) continue;
    const auto key = load_signing(change.files, info);
    if (!key || !key->can_sign) continue;
    const std::string pem = public_pem(*key);
    if (!pem.empty()) (void)change.files.write(signing_file(info.id), pem);
  }
}

}  // namespace

KeyResult<Entries> read_state(const KeyFiles& files) {
  const auto text = files.read(kState, kMaxStateSize, kOthersWrite);
  if (!text) return text.error();
  auto entries = parse_state(text->reveal());
  if (!entries)
    return files.full(kState) + " is damaged (" + entries.error() +
           "); restore it from a backup, or move them away to start with new keys";
  return entries;
}

KeyResult<Change> begin(KeyFiles& files) {
  Change change{files, {}};
  if (files.has(kState)) {
    auto entries = read_state(files);
    if (!entries) return entries.error();
    change.entries = std::move(*entries);
    return change;
  }
  // State comes before the first key. So keys without one are not an interrupted start, and new ones in their
  // place would silently log everybody out.
  for (const std::string& name : files.names()) {
    if (name.ends_with(".pem") || (name.starts_with("refresh-") && name.ends_with(".key")))
      return files.full("") + " has keys (" + name +
             ") but no state.json; restore it from a backup, or move the keys away";
  }
  if (const auto saved = save(change); !saved) return saved.error();
  return change;
}

bool complete(Entries& entries, std::optional<Algorithm> algorithm) {
  return has_signing(entries, algorithm) && current_of(entries, true) != nullptr;
}

KeyResult<void> make_missing(Change& change, std::optional<Algorithm> algorithm, UnixSeconds now) {
  if (complete(change.entries, algorithm)) return {};
  if (!has_signing(change.entries, algorithm)) {
    if (auto added = add_signing(change, *algorithm, now); !added) return added;
  }
  if (current_of(change.entries, true) == nullptr) {
    if (auto added = add_refresh(change, now); !added) return added;
  }
  if (auto saved = save(change); !saved) return saved;
  forget_private_halves(change);
  return {};
}

KeyResult<OwnKeys> load(const KeyFiles& files, const Entries& entries, bool with_signing) {
  OwnKeys result;
  std::vector<Key> verifying;
  for (auto info = entries.rbegin(); info != entries.rend(); ++info) {
    if (info->is_refresh()) {
      auto key = load_refresh(files, *info);
      if (!key) return key.error();
      result.refresh.push_back(std::move(*key));
    } else if (with_signing) {
      auto key = load_signing(files, *info);
      if (!key) return key.error();
      if (info->is_current()) result.signing = std::make_shared<const Key>(*key);
      verifying.push_back(std::move(*key));
    }
  }
  result.verifying = std::make_shared<const KeySet>(std::move(verifying));
  return result;
}

KeyResult<std::string> rotate(Change& change, Algorithm algorithm, UnixSeconds now) {
  // A next key is known to others already; a new one isn't.
  if (!promote_next(change.entries, algorithm, now)) {
    if (const auto added = add_signing(change, algorithm, now); !added) return failed(added.error());
  }
  if (const auto saved = save(change); !saved) return failed(saved.error());
  forget_private_halves(change);
  return {in_place_value, current_of(change.entries, false)->id};
}

KeyResult<std::string> rotate_refresh(Change& change, UnixSeconds now) {
  if (const auto added = add_refresh(change, now); !added) return failed(added.error());
  if (const auto saved = save(change); !saved) return failed(saved.error());
  return {in_place_value, change.entries.back().id};
}

KeyResult<void> revoke(Change& change, Algorithm algorithm, std::string_view id, UnixSeconds now) {
  auto& entries = change.entries;
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const KeyInfo& key) { return key.id == id; });
  if (found != entries.end()) {
    const std::string file = file_of(*found);
    const bool signed_until_now = found->is_current() && !found->is_refresh();
    entries.erase(found);
    if (signed_until_now) promote_next(entries, algorithm, now);
    if (auto saved = save(change); !saved) return saved;
    return change.files.remove(file);
  }
  if (good_key_id(id)) {
    for (const std::string& file : {signing_file(id), refresh_file(id)}) {
      if (change.files.has(file)) return change.files.remove(file);
    }
  }
  return "there is no such key in " + change.files.full("") + " (sallyport keys list shows them)";
}

KeyResult<bool> tend(Change& change, Algorithm algorithm, const RotationRules& rules, UnixSeconds now) {
  const RotationPlan plan = plan_rotation(change.entries, algorithm, rules, now);
  if (plan.empty()) return false;
  std::vector<std::string> files;
  const auto dropped = [&](const KeyInfo& key) {
    if (std::find(plan.drop.begin(), plan.drop.end(), key.id) == plan.drop.end()) return false;
    files.push_back(file_of(key));
    return true;
  };
  std::erase_if(change.entries, dropped);
  if (plan.promote) promote_next(change.entries, algorithm, now);
  if (plan.make_next) {
    if (const auto added = add_signing(change, algorithm, now, "next"); !added) return added.error();
  }
  if (const auto saved = save(change); !saved) return saved.error();
  forget_private_halves(change);
  for (const std::string& file : files) {
    if (const auto removed = change.files.remove(file); !removed) return removed.error();
  }
  return true;
}

KeyResult<std::vector<KeyInfo>> list(const KeyFiles& files) {
  if (!files.has(kState))
    return "there are no keys in " + files.full("") + " yet (sallyport keys new makes them)";
  auto entries = read_state(files);
  if (!entries) return entries.error();
  std::reverse(entries->begin(), entries->end());
  return entries;
}

std::optional<std::string> refuse_symmetric(Algorithm algorithm) {
  if (!symmetric(algorithm)) return std::nullopt;
  return std::string(to_string(algorithm)) +
         " signs with tokens.signing.secret; a folder of signing keys is for asymmetric algorithms";
}

}  // namespace sallyport::jose::acts
