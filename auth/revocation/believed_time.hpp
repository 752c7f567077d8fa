// What time it is for things that can't be undone: an entry that is forgotten because it is over would be
// missed when a clock that had jumped forward goes back. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "auth/time.hpp"

namespace sallyport::revocation {

class BelievedTime {
 public:
  // A jump forward is believed once it has stood this long; a step back at once.
  static constexpr std::chrono::hours kDoubt{1};
  static constexpr std::chrono::seconds kDrift{2};  // between two looks, a second apart

  // `told`: by the clock that is furthest behind.
  UnixSeconds look(UnixSeconds told, SteadyTime steady) {
    const auto passed =
        seen_ ? std::chrono::floor<std::chrono::seconds>(steady - seen_->steady) : std::chrono::seconds(0);
    if (!seen_ || told <= seen_->wall + passed + kDrift) {
      jumped_.reset();
    } else {
      if (!jumped_) jumped_ = steady;
      if (steady - *jumped_ < kDoubt) return seen_->wall + passed;
      jumped_.reset();
    }
    seen_ = Seen{told, steady};
    return told;
  }

 private:
  struct Seen {
    UnixSeconds wall;
    SteadyTime steady;
  };
  std::optional<Seen> seen_;          // the last time that was believed
  std::optional<SteadyTime> jumped_;  // since when it isn't
};

}  // namespace sallyport::revocation
