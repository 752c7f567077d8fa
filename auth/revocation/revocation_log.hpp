// The truth about revocations: one append-only log of events, read whole at start, then followed.
// Thread: as SessionStore.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "auth/revocation/event.hpp"
#include "auth/store_error.hpp"
#include "auth/task.hpp"

namespace sallyport::revocation {

// Tells a flushed or replaced store from ours: written once when the log is empty of one.
struct Marker {
  std::string id;  // random
  UnixSeconds created{};
  friend bool operator==(const Marker&, const Marker&) = default;
};

struct Entry {
  std::string cursor;  // opaque position, ordered by the log
  Event event;
  std::optional<UnixMillis> appended;  // by the store's clock, where the store remembers it
};

struct Batch {
  std::vector<Entry> entries;
  std::string cursor;  // where to read on; == the given one when nothing came
  bool more = false;   // the page was full: read on at once
  bool gap = false;    // `from` is older than what the log still holds, and unexpired events may have been
                       // missed: resync
  Marker marker;
  UnixMillis now{};  // the store's clock
};

class RevocationLog {
 public:
  virtual ~RevocationLog() = default;

  // All of them, durable as far as the store promises, before it returns. Repeating is safe.
  virtual Task<StoreResult<void>> append(std::vector<Event> events) = 0;

  // Events after `from` (empty: from the beginning), at most `limit`. With nothing new it waits up to `wait`
  // and returns an empty batch. One reader per instance at a time.
  virtual Task<StoreResult<Batch>> read(std::string from, std::size_t limit,
                                        std::chrono::milliseconds wait) = 0;

  // Drops entries whose `until` is over. Called now and then by whoever follows.
  virtual Task<StoreResult<void>> trim(UnixSeconds now) = 0;
};

}  // namespace sallyport::revocation
