// Many waiters, one connection: keeps who waits for which reply. Pure: bytes and times go in, bytes and
// answers come out.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/store_error.hpp"
#include "auth/stores/redis/resp.hpp"
#include "auth/time.hpp"

namespace sallyport::stores::redis {

// `Waiter` is whatever the driver needs to wake who asked (movable). All calls on one pipeline should have
// the same patience: deadlines are looked for at the front only.
template <typename Waiter>
class Pipeline {
 public:
  struct Bounds {
    std::size_t waiting = 4096;                       // operations, sent or not
    std::size_t unsent_bytes = std::size_t{8} << 20;  // a single operation larger than this is still taken
  };
  struct Answer {
    Waiter waiter;
    StoreResult<Reply> result;
  };
  using Answers = std::vector<Answer>;
  using Patience = std::chrono::milliseconds;

  Pipeline() = default;
  explicit Pipeline(Bounds bounds) : bounds_(bounds) {}

  bool has_room(std::size_t bytes) const {
    return slots_.size() < bounds_.waiting &&
           (unsent_bytes_ == 0 || unsent_bytes_ + bytes <= bounds_.unsent_bytes);
  }

  // `commands` is `replies` encoded commands; their replies come as one (more than one: as an array). Needs
  // has_room().
  void push(std::string commands, std::size_t replies, Waiter waiter, SteadyTime now, Patience patience) {
    unsent_bytes_ += commands.size();
    slots_.push_back(Slot{std::move(commands), replies, std::move(waiter), now + patience, {}, patience, {}});
  }

  // What to send now, all of it; from here on those operations may have happened.
  std::string take_output(SteadyTime now) {
    std::string out;
    out.reserve(unsent_bytes_);
    for (; sent_ < slots_.size(); ++sent_) {
      Slot& slot = slots_[sent_];
      out += slot.commands;
      slot.commands = std::string();
      slot.overdue = now + slot.patience;
    }
    unsent_bytes_ = 0;
    return out;
  }
  bool has_output() const { return sent_ < slots_.size(); }

  // Bytes from the server. The error: they make no sense, and the connection is lost.
  std::optional<std::string> receive(std::string_view bytes, Answers& answers) {
    if (!reader_.feed(bytes)) return "out of memory";
    for (;;) {
      auto next = reader_.next();
      if (!next) return next.error();
      if (!*next) return std::nullopt;
      if (sent_ == 0) return "a reply that nobody asked for";
      take_reply(std::move(**next), answers);
    }
  }

  // The next moment at which expire() has something to do.
  std::optional<SteadyTime> next_deadline() const {
    std::optional<SteadyTime> at;
    const auto consider = [&at](SteadyTime t) {
      if (!at || t < *at) at = t;
    };
    if (sent_ > 0) consider(slots_.front().waiter ? slots_.front().deadline : slots_.front().overdue);
    if (sent_ < slots_.size()) consider(slots_[sent_].deadline);
    return at;
  }

  // Answers those whose time is over. True: a command has been with the server for its whole patience, so the
  // connection is no good any more. (A waiter that lost its time before its command was sent leaves the
  // connection alone: its reply is dropped when it comes.)
  bool expire(SteadyTime now, std::string_view store, Answers& answers) {
    for (std::size_t i = 0; i < sent_ && slots_[i].deadline <= now; ++i)
      answer(slots_[i], error(StoreError::Kind::timeout, store, "no answer in time"), answers);
    while (sent_ < slots_.size() && slots_[sent_].deadline <= now) {
      answer(slots_[sent_], error(StoreError::Kind::unreachable, store, "no connection in time"), answers);
      unsent_bytes_ -= slots_[sent_].commands.size();
      slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(sent_));
    }
    return sent_ > 0 && slots_.front().overdue <= now;
  }

  // The connection is gone: nobody will know what became of what was sent. What wasn't may go to the next
  // connection.
  void lost(const StoreError& why, Answers& answers) {
    for (; sent_ > 0; --sent_) {
      answer(slots_.front(), why, answers);
      slots_.pop_front();
    }
    reader_ = ReplyReader();
  }

  // There is no connection to be had: everybody gets `why`.
  void fail_all(const StoreError& why, Answers& answers) {
    for (Slot& slot : slots_) answer(slot, why, answers);
    slots_.clear();
    sent_ = 0;
    unsent_bytes_ = 0;
    reader_ = ReplyReader();
  }

  std::size_t waiting() const { return slots_.size(); }

 private:
  struct Slot {
    std::string commands;
    std::size_t replies = 1;
    std::optional<Waiter> waiter;  // empty: answered already (timeout)
    SteadyTime deadline;           // of the waiter
    SteadyTime overdue;            // of the server, from sending
    Patience patience{};
    std::vector<Reply> collected;
  };

  static StoreError error(StoreError::Kind kind, std::string_view store, std::string_view what) {
    return StoreError{kind, std::string(store) + ": " + std::string(what)};
  }

  static void answer(Slot& slot, StoreResult<Reply> result, Answers& answers) {
    if (!slot.waiter) return;
    answers.push_back(Answer{std::move(*slot.waiter), std::move(result)});
    slot.waiter.reset();
  }

  void take_reply(Reply reply, Answers& answers) {
    Slot& slot = slots_.front();
    if (slot.replies > 1) {
      slot.collected.push_back(std::move(reply));
      if (slot.collected.size() < slot.replies) return;
      reply = Reply{Reply::Type::array, 0, {}, std::move(slot.collected)};
    }
    answer(slot, std::move(reply), answers);
    slots_.pop_front();
    --sent_;
  }

  Bounds bounds_{};
  std::deque<Slot> slots_;  // the first `sent_` are with the server
  std::size_t sent_ = 0;
  std::size_t unsent_bytes_ = 0;
  ReplyReader reader_;
};

}  // namespace sallyport::stores::redis
