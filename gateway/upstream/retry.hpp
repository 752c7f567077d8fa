// Decides whether a request may go out a second time. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/config.hpp"

namespace sallyport::upstream {

// RFC 9110 9.2.2: the same request twice does what one does.
inline bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

// Second tries cost the servers most when they can bear it least: only so many per cent of the requests, and
// a few in quiet times. A connection that was kept and turned out closed is not counted: no server saw it.
class RetryBudget {
 public:
  explicit RetryBudget(unsigned percent) : percent_(percent), left_(percent > 0 ? kQuiet : 0) {}
  void request() { left_ = left_ + percent_ < kMost ? left_ + percent_ : kMost; }
  bool take() {
    if (left_ < kOne) return false;
    left_ -= kOne;
    return true;
  }

 private:
  static constexpr unsigned kOne = 100;          // a second try
  static constexpr unsigned kQuiet = 10 * kOne;  // at the start
  static constexpr unsigned kMost = 100 * kOne;  // saved at most
  unsigned percent_;
  unsigned left_;
};

struct Failure {
  enum class Kind : std::uint8_t {
    stale,   // a kept connection was closed before anything came back
    reset,   // a fresh one likewise
    status,  // an answer came: `status`
    other,   // broken, or not in time
  };
  Kind kind = Kind::other;
  unsigned status = 0;
};

struct Sent {
  bool idempotent = false;
  bool body_taken = false;      // bytes of the client's body are gone
  bool answer_started = false;  // the client has seen something, an interim response too
  unsigned attempts = 0;        // so far
};

inline bool names(const config::Retry& rules, config::RetryOn what) {
  for (const config::RetryOn on : rules.on)
    if (on == what) return true;
  return false;
}

inline bool names(const config::Retry& rules, const Failure& failure) {
  const auto has = [&](config::RetryOn what) { return names(rules, what); };
  switch (failure.kind) {
    case Failure::Kind::stale:
      return true;
    case Failure::Kind::reset:
      return has(config::RetryOn::reset);
    case Failure::Kind::status:
      return (failure.status == 502 && has(config::RetryOn::bad_gateway)) ||
             (failure.status == 503 && has(config::RetryOn::unavailable)) ||
             (failure.status == 504 && has(config::RetryOn::gateway_timeout));
    case Failure::Kind::other:
      return false;
  }
  return false;
}

// One second try more for a stale connection even where `attempts` is 1: the first was none.
inline bool may_retry(const config::Retry& rules, RetryBudget& budget, const Failure& failure,
                      const Sent& sent) {
  if (!sent.idempotent || sent.body_taken || sent.answer_started || !names(rules, failure)) return false;
  const bool stale = failure.kind == Failure::Kind::stale;
  const unsigned most = stale && rules.attempts < 2 ? 2 : rules.attempts;
  return sent.attempts < most && (stale || budget.take());
}

}  // namespace sallyport::upstream
