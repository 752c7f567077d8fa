// When to ask an issuer for its keys, and what to keep of the answers (CONTRACT section 4). Pure: no I/O, no
// clock; gateway/key_fetcher.hpp performs. One per issuer.
//
// Keys are asked for in the background, and at once when a token names a key that isn't known: such wishes
// share one fetch, begin one at most every `wish_gap`, and a key id that the issuer was asked for in vain is
// not asked for again for a while. Whatever fails, the last good keys stay.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/keys.hpp"
#include "auth/time.hpp"

namespace sallyport::jose {

class KeyRefresher {
 public:
  struct Rules {
    std::chrono::seconds every{300};         // between good answers
    std::chrono::seconds first_retry{1};     // after a failure; doubles ...
    std::chrono::seconds longest_retry{60};  // ... up to this
    std::chrono::seconds wish_gap{30};       // between fetches for unknown key ids
    std::chrono::seconds absent_for{300};    // how long an id asked for in vain isn't asked for again
  };

  explicit KeyRefresher(Rules rules, SteadyTime now) : rules_(rules), due_(now) {}

  // When the next fetch is to begin. None while one is under way.
  std::optional<SteadyTime> due() const;

  // A token names a key that isn't there (`id` empty: none, and no key fits alone). true: a fetch is under
  // way or due at once, so it is worth waiting for its end.
  bool wish(std::string_view id, SteadyTime now);

  void begin();

  struct Answer {
    bool changed = false;  // keys() are others than before
    std::string message;   // to be logged; empty: nothing new to say
    bool failed = false;   // the message is about a failure
  };
  // The fetch that began has ended: with keys, or with the reason why there are none.
  Answer answered(KeyResult<ParsedKeySet> result, SteadyTime now);

  const std::shared_ptr<const KeySet>& keys() const { return keys_; }  // null: never had any
  // Why there are no keys or no newer ones; empty: the last answer was good.
  const std::string& problem() const { return problem_; }

 private:
  struct Absent {
    std::string id;
    SteadyTime until;
  };
  static constexpr std::size_t kMaxAbsent = 64;
  static constexpr std::size_t kMaxId = 256;  // no issuer names its keys longer

  bool known_absent(std::string_view id, SteadyTime now) const;
  void settle_wishes(SteadyTime now);

  Rules rules_;
  std::shared_ptr<const KeySet> keys_;
  std::string fingerprint_;  // of keys_: the same keys again are no change
  std::string problem_ = "its keys have not been fetched yet";
  SteadyTime due_;
  bool fetching_ = false;
  unsigned failures_ = 0;
  std::optional<SteadyTime> wished_;  // when the last fetch for a wish was set off
  std::vector<std::string> wishes_;   // ids that the fetch due now, or under way, is for
  std::deque<Absent> absent_;         // oldest first
};

}  // namespace sallyport::jose
