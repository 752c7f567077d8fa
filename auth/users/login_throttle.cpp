#include "auth/users/login_throttle.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>

#include "auth/users/user.hpp"

namespace sallyport::users {
namespace {

// An account under attack from many addresses: free of delay up to this many windows' worth of failures of
// one pair ...
constexpr unsigned kFreeFactor = 2;
// ... then a quarter of a second, doubled with each further round of `attempts`, to this.
constexpr std::chrono::milliseconds kFirstDelay{250};
constexpr std::chrono::milliseconds kLongestDelay{4'000};

std::string short_digest(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (std::size_t i = 0; i < 16; ++i) {
    hex.push_back(kHex[bytes[i] >> 4]);
    hex.push_back(kHex[bytes[i] & 15]);
  }
  return hex;
}

std::string network_of(std::string_view text) {
  boost::system::error_code ec;
  const auto address = net::ip::make_address(std::string(text), ec);
  if (ec) return std::string(text);
  if (address.is_v4()) return address.to_string();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return net::ip::make_address_v4(net::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return net::ip::address_v6(bytes).to_string();
}

}  // namespace

ThrottleKeys throttle_keys(std::string_view name, std::string_view address) {
  const std::string folded = folded_name(name);
  std::string pair = folded;
  pair.push_back('\0');  // no name holds one that is valid, so no two pairs meet
  pair += network_of(address);
  const std::string user_digest = short_digest(folded), pair_digest = short_digest(pair);
  return {"login:" + pair_digest, "login-user:" + user_digest, "login-device:" + pair_digest,
          "login-unlock:" + user_digest};
}

Admission admit(unsigned pair_failures, unsigned user_failures, const config::Throttle& rules) {
  if (rules.attempts == 0) return {};  // switched off
  if (pair_failures >= rules.attempts) return {true, std::max(rules.window, std::chrono::seconds(1)), {}};
  const unsigned free = rules.attempts * kFreeFactor;
  if (user_failures < free) return {};
  const unsigned rounds = std::min((user_failures - free) / rules.attempts, 8u);
  return {false, {}, std::min(kFirstDelay * (1u << rounds), kLongestDelay)};
}

// An unlock counts up, and the counters of before are looked at no more: whatever their addresses were. It is
// remembered for a window from the first one, and what was counted before that is over by then.
Task<StoreResult<void>> LoginThrottle::resolve(ThrottleKeys& keys) {
  auto unlocks = co_await store_.count(keys.unlocks);
  if (!unlocks) co_return unlocks.error();
  if (*unlocks > 0) {
    const std::string turn = "#" + std::to_string(*unlocks);
    keys.pair += turn;
    keys.user += turn;
  }
  co_return StoreResult<void>();
}

Task<StoreResult<bool>> LoginThrottle::is_known(std::string device) {
  if (rules_.known_devices.count() == 0) co_return false;
  auto logins = co_await store_.count(std::move(device));
  if (!logins) co_return logins.error();
  co_return *logins > 0;
}

Task<StoreResult<Admission>> LoginThrottle::before(ThrottleKeys& keys) {
  if (rules_.attempts == 0) co_return Admission{};
  auto resolved = co_await resolve(keys);
  if (!resolved) co_return resolved.error();
  auto pair = co_await store_.count(keys.pair);
  if (!pair) co_return pair.error();
  if (*pair >= rules_.attempts) co_return admit(*pair, 0, rules_);
  auto user = co_await store_.count(keys.user);
  if (!user) co_return user.error();
  Admission admission = admit(*pair, *user, rules_);
  if (admission.delay.count() == 0) co_return admission;
  auto known = co_await is_known(keys.device);
  if (!known) co_return known.error();
  if (*known) admission.delay = {};
  co_return admission;
}

Task<StoreResult<Admission>> LoginThrottle::failed(ThrottleKeys keys) {
  if (rules_.attempts == 0) co_return Admission{};
  auto pair = co_await store_.add(keys.pair, rules_.window);
  if (!pair) co_return pair.error();
  auto user = co_await store_.add(keys.user, rules_.window);
  if (!user) co_return user.error();
  // This failure itself is the last that is answered as one: hence one less.
  co_return admit(*pair - 1, 0, rules_);
}

Task<StoreResult<Admission>> LoginThrottle::succeeded(ThrottleKeys keys) {
  if (rules_.attempts == 0) co_return Admission{};
  auto pair = co_await store_.count(keys.pair);
  if (!pair) co_return pair.error();
  const Admission now = admit(*pair, 0, rules_);
  if (now.refused) co_return now;
  if (*pair > 0) {
    auto cleared = co_await store_.clear(keys.pair);
    if (!cleared) co_return cleared.error();
  }
  // Written once in its time, not at each login.
  auto known = co_await is_known(keys.device);
  if (!known) co_return known.error();
  if (!*known && rules_.known_devices.count() > 0) {
    auto noted = co_await store_.add(std::move(keys.device), rules_.known_devices);
    if (!noted) co_return noted.error();
  }
  co_return now;
}

Task<StoreResult<void>> LoginThrottle::unlock(std::string name) {
  ThrottleKeys keys = throttle_keys(name, {});
  auto counted = co_await store_.add(std::move(keys.unlocks), rules_.window);
  if (!counted) co_return counted.error();
  co_return StoreResult<void>();
}

Task<StoreResult<void>> LoginThrottle::unlock(std::string name, std::string address) {
  ThrottleKeys keys = throttle_keys(name, address);
  auto resolved = co_await resolve(keys);
  if (!resolved) co_return resolved;
  auto cleared = co_await store_.clear(std::move(keys.user));
  if (!cleared) co_return cleared;
  co_return co_await store_.clear(std::move(keys.pair));
}

}  // namespace sallyport::users
