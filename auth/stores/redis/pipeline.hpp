// Many waiters, one connection: keeps who waits for which reply. Pure: bytes and times go in, bytes and
// answers come out.
#pragma once

#include <algorithm>
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
  // Durable writes count as done once so many replicas have them. One WAIT covers all that leave together,
  // and what comes meanwhile leaves together after it: the server would hold it up anyhow.
  struct Acknowledgement {
    unsigned replicas = 0;  // 0: nobody waits
    std::chrono::milliseconds timeout{100};
  };
  struct Answer {
    Waiter waiter;
    StoreResult<Reply> result;
  };
  using Answers = std::vector<Answer>;
  using Patience = std::chrono::milliseconds;

  Pipeline() = default;
  explicit Pipeline(Bounds bounds) : bounds_(bounds) {}
  // `store` is the printable URL, for messages.
  Pipeline(Acknowledgement needed, std::string store) : needed_(needed), store_(std::move(store)) {}

  bool has_room(std::size_t bytes) const {
    return slots_.size() + held_.size() < bounds_.waiting &&
           (unsent_bytes_ == 0 || unsent_bytes_ + bytes <= bounds_.unsent_bytes);
  }

  // `commands` is `replies` encoded commands; their replies come as one (more than one: as an array). Needs
  // has_room().
  void push(std::string commands, std::size_t replies, Waiter waiter, SteadyTime now, Patience patience,
            bool durable = false) {
    unsent_bytes_ += commands.size();
    slots_.push_back(Slot{std::move(commands),
                          replies,
                          std::move(waiter),
                          now + patience,
                          {},
                          patience,
                          durable && needed_.replicas > 0});
  }

  // What to send now, all of it; from here on those operations may have happened.
  std::string take_output(SteadyTime now) {
    std::string out;
    out.reserve(unsent_bytes_);
    Patience longest{0};
    for (; sent_ < slots_.size(); ++sent_) {
      Slot& slot = slots_[sent_];
      out += slot.commands;
      slot.commands = std::string();
      slot.overdue = now + slot.patience;
      if (slot.durable) longest = std::max(longest, slot.patience);
    }
    unsent_bytes_ = 0;
    if (longest.count() > 0) {
      out += encode({"WAIT", std::to_string(needed_.replicas), std::to_string(needed_.timeout.count())});
      Slot wait;
      wait.overdue = now + longest;
      wait.is_wait = true;
      slots_.push_back(std::move(wait));
      ++sent_;
      replicas_asked_ = true;
    }
    return out;
  }
  bool has_output() const { return sent_ < slots_.size() && !replicas_asked_; }

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
    if (!held_.empty()) consider(held_.front().deadline);
    return at;
  }

  // Answers those whose time is over. True: a command has been with the server for its whole patience, so the
  // connection is no good any more. (A waiter that lost its time before its command was sent leaves the
  // connection alone: its reply is dropped when it comes.)
  bool expire(SteadyTime now, std::string_view store, Answers& answers) {
    while (!held_.empty() && held_.front().deadline <= now) {
      answers.push_back(Answer{std::move(held_.front().waiter),
                               error(StoreError::Kind::timeout, store, "no word of the replicas in time")});
      held_.pop_front();
    }
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
    release(answers, why);
    for (; sent_ > 0; --sent_) {
      answer(slots_.front(), why, answers);
      slots_.pop_front();
    }
    reader_ = ReplyReader();
  }

  // There is no connection to be had: everybody gets `why`.
  void fail_all(const StoreError& why, Answers& answers) {
    release(answers, why);
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
    bool durable = false;
    bool is_wait = false;  // our own WAIT
    std::vector<Reply> collected;
  };
  // Answered by the server, but not by its replicas yet.
  struct Held {
    Waiter waiter;
    Reply reply;
    SteadyTime deadline;
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
    if (slot.is_wait)
      settle(reply, answers);
    else if (slot.durable && slot.waiter && !has_error(reply))
      held_.push_back(Held{std::move(*slot.waiter), std::move(reply), slot.deadline});
    else
      answer(slot, std::move(reply), answers);
    slots_.pop_front();
    --sent_;
  }

  static bool has_error(const Reply& reply) {
    return reply.is_error() || std::any_of(reply.elements.begin(), reply.elements.end(),
                                           [](const Reply& element) { return element.is_error(); });
  }

  // The reply to WAIT: how many replicas have all of it.
  void settle(const Reply& reply, Answers& answers) {
    if (reply.is_integer() && reply.integer >= static_cast<long long>(needed_.replicas))
      return release(answers, std::nullopt);
    std::string what = "written, but ";
    if (reply.is_error())
      what += "its replicas can't be asked: " + reply.text;
    else
      what += std::to_string(reply.integer) + " of " + std::to_string(needed_.replicas) + " replicas have it";
    release(answers, error(StoreError::Kind::timeout, store_, what));
  }

  void release(Answers& answers, const std::optional<StoreError>& why) {
    replicas_asked_ = false;
    for (Held& held : held_) {
      StoreResult<Reply> result = std::move(held.reply);
      if (why) result = *why;
      answers.push_back(Answer{std::move(held.waiter), std::move(result)});
    }
    held_.clear();
  }

  Bounds bounds_{};
  Acknowledgement needed_{};
  std::string store_;
  std::deque<Held> held_;
  bool replicas_asked_ = false;  // a WAIT is with the server
  std::deque<Slot> slots_;       // the first `sent_` are with the server
  std::size_t sent_ = 0;
  std::size_t unsent_bytes_ = 0;
  ReplyReader reader_;
};

}  // namespace sallyport::stores::redis
