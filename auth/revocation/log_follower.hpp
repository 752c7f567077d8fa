// Follows the revocation log, without I/O: says what to read next and what each answer means for the index
// (CONTRACT section 5). The driver, on one thread:
//
//   for (;;) {
//     const auto read = follower.next_read(steady_now());
//     auto batch = co_await log.read(read.from, read.limit, read.wait);
//     if (!batch) { follower.failed(); back off; continue; }
//     auto step = follower.answered(*batch, steady_now(), wall_now());
//     if (step.changed) post follower.set() to every worker;
//     if (auto due = follower.compaction(steady_now())) on another thread: follower.compacted(the result);
//     if (!step.reappend.empty() && (co_await log.append(step.reappend))) follower.reappended();
//   }
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/revocation/believed_time.hpp"
#include "auth/revocation/revocation_log.hpp"
#include "auth/revocation/revocation_set.hpp"

namespace sallyport::revocation {

class LogFollower {
 public:
  struct Rules {
    std::string own_issuer;
    std::size_t page = 1000;                     // entries per read, at most
    std::chrono::milliseconds wait{1000};        // an idle log answers this often
    std::chrono::seconds keep_acknowledged{60};  // what we acknowledged so lately might be lost in a failover
    std::chrono::seconds compact_every{60};
  };
  explicit LogFollower(Rules rules);

  void ask_every(std::chrono::milliseconds wait) { rules_.wait = wait; }  // of an idle log

  struct Read {
    std::string from;
    std::size_t limit = 0;
    std::chrono::milliseconds wait{0};
  };
  // The read to send now. Doesn't wait while we are behind.
  Read next_read(SteadyTime now);

  struct Step {
    bool changed = false;  // set() is another one
    bool resynced =
        false;  // the log was replaced or lost entries: reading from its beginning again (for the log)
    std::vector<UnixMillis>
        appended;  // when the store took what is new to this process (others' revocations)
    std::vector<Event>
        reappend;  // append these, then say reappended(); asked again with each answer until then
  };
  Step answered(const Batch& batch, SteadyTime now, UnixSeconds wall);

  // The read, or an append of step.reappend, failed.
  void failed();
  void reappended();

  // This process appended these and the log took them: in force here at once. true: set() is another one.
  bool acknowledged(std::vector<Event> events, SteadyTime now);

  // What is over is to be dropped now: the caller makes set->compacted(time) on another thread, since that
  // takes seconds for ten million entries, and gives it back. nullopt: not now, or one is under way.
  struct Compaction {
    std::shared_ptr<const RevocationSet> set;
    UnixSeconds time{};
  };
  std::optional<Compaction> compaction(SteadyTime now);
  bool compacted(std::shared_ptr<const RevocationSet> result);  // true: set() is another one

  // The log has been read whole since the start.
  bool ready() const { return ready_; }
  // Time since the sending of the last answered read that left nothing unread. nullopt: there was none yet.
  std::optional<std::chrono::milliseconds> staleness(SteadyTime now) const;
  std::uint64_t entries_read() const { return entries_read_; }  // progress for /readyz
  std::uint64_t resyncs() const { return resyncs_; }
  // The time by which entries are over, here and in the log: what no clock that jumped ahead made of it.
  UnixSeconds believed_now() const { return believed_now_; }

  const std::shared_ptr<const RevocationSet>& set() const { return set_; }

 private:
  struct Acknowledged {
    SteadyTime at;
    Event event;
  };
  void follow_marker(const Marker& marker, Step& step);
  void restart(Step& step);
  void apply(const Batch& batch, Step& step);
  void add(const std::vector<Event>& events);
  void forget_acknowledged(SteadyTime now);

  Rules rules_;
  std::shared_ptr<const RevocationSet> set_ = RevocationSet::empty();
  std::string cursor_;
  std::size_t page_;  // halved by each read that fails: a page that takes too long would never be read
  std::optional<Marker> marker_;
  bool behind_ = true;  // more is known to stand there
  bool ready_ = false;
  bool broken_ = false;  // the last read failed: what comes back may have lost something
  bool reappend_ = false;
  SteadyTime sent_{};  // of the read under way
  std::optional<SteadyTime> as_of_;
  std::deque<Acknowledged> acknowledged_;    // oldest first
  std::optional<SteadyTime> compacted_;      // when the last compaction began
  std::size_t added_ = 0;                    // since then
  std::optional<std::vector<Event>> since_;  // the same, while one is under way
  bool void_ = false;                        // the one under way lacks more than these
  std::uint64_t entries_read_ = 0;
  std::uint64_t resyncs_ = 0;
  BelievedTime time_;
  UnixSeconds believed_now_{};
};

}  // namespace sallyport::revocation
