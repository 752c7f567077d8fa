#include "auth/jose/stored_keys.hpp"

#include <utility>

#include "auth/jose/key_acts.hpp"

namespace sallyport::jose {
namespace {

constexpr int kTries = 8;  // whoever loses this often isn't racing a fleet

std::string too_busy() { return "the keys in the store are being changed all the time; try again"; }

}  // namespace

bool keys_in_store(const config::Tokens& tokens) {
  return !tokens.issuer.empty() && (tokens.signing.keys == "store" || tokens.refresh.keys == "store");
}

std::optional<Algorithm> ring_algorithm(const config::Tokens& tokens) {
  return tokens.signing.secret.empty() ? parse_algorithm(tokens.signing.algorithm) : std::nullopt;
}

Task<KeyResult<void>> change_ring(KeyRingStore& store, config::Secret wrap_key, RingAct act) {
  for (int i = 0; i < kTries; ++i) {
    const auto stored = co_await store.load(0);
    if (!stored) co_return stored.error().detail;
    KeyResult<KeyRing> ring = KeyRing();
    if (stored->version != 0) ring = KeyRing::open(stored->sealed, wrap_key);
    if (!ring) co_return ring.error();
    KeyResult<void> acted = act(*ring);
    if (!acted || !ring->changed()) co_return acted;
    std::string sealed = ring->seal(wrap_key);
    const auto swapped = co_await store.compare_and_swap(stored->version, std::move(sealed));
    if (!swapped) co_return swapped.error().detail;
    if (*swapped) co_return KeyResult<void>();
  }
  co_return too_busy();
}

StoredKeys::StoredKeys(KeyRingStore& store, config::Tokens tokens, RotationRules rules)
    : store_(store), tokens_(std::move(tokens)), rules_(rules), algorithm_(ring_algorithm(tokens_)) {}

KeyResult<OwnKeys> StoredKeys::keys_of(const KeyRing& ring) const {
  const auto entries = acts::read_state(ring);
  if (!entries) return entries.error();
  auto keys = acts::load(ring, *entries, algorithm_.has_value());
  if (!keys || algorithm_) return keys;
  const auto algorithm = parse_algorithm(tokens_.signing.algorithm);
  auto secret = key_from_secret(tokens_.signing.secret, *algorithm, tokens_.signing.key_id);
  if (!secret) return secret.error();
  keys->signing = std::make_shared<const Key>(*secret);
  keys->verifying = std::make_shared<const KeySet>(std::vector<Key>{*secret});
  return keys;
}

Task<KeyResult<std::optional<OwnKeys>>> StoredKeys::look(UnixSeconds now) {
  using Result = KeyResult<std::optional<OwnKeys>>;
  for (int i = 0; i < kTries; ++i) {
    const auto stored = co_await store_.load(version_);
    if (!stored) co_return Result(boost::system::in_place_error, stored.error().detail);
    if (stored->version != version_) {
      KeyResult<KeyRing> opened = KeyRing();
      if (stored->version != 0) opened = KeyRing::open(stored->sealed, tokens_.signing.wrap_key);
      if (!opened) co_return Result(boost::system::in_place_error, opened.error());
      ring_ = std::move(*opened);
      version_ = stored->version;
      told_ = false;
    }
    KeyRing next = ring_;
    auto change = acts::begin(next);
    if (!change) co_return Result(boost::system::in_place_error, change.error());
    const auto made = acts::make_missing(*change, algorithm_, now);
    if (!made) co_return Result(boost::system::in_place_error, made.error());
    if (algorithm_) {
      const auto tended = acts::tend(*change, *algorithm_, rules_, now);
      if (!tended) co_return Result(boost::system::in_place_error, tended.error());
    }
    if (next.changed()) {
      std::string sealed = next.seal(tokens_.signing.wrap_key);
      const auto swapped = co_await store_.compare_and_swap(version_, std::move(sealed));
      if (!swapped) co_return Result(boost::system::in_place_error, swapped.error().detail);
      continue;  // ours or, where another gateway was faster, theirs: read what stands there now
    }
    if (told_) co_return std::optional<OwnKeys>();
    auto keys = keys_of(ring_);
    if (!keys) co_return Result(boost::system::in_place_error, keys.error());
    told_ = true;
    co_return std::optional<OwnKeys>(std::move(*keys));
  }
  co_return Result(boost::system::in_place_error, too_busy());
}

}  // namespace sallyport::jose
