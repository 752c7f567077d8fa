// A coroutine's question to the store's thread: submit a function over the tables, suspend, resume on the
// caller's own executor with the result or with `timeout`.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "auth/store_error.hpp"
#include "auth/stores/sqlite/store_thread.hpp"
#include "auth/task.hpp"

namespace sallyport::stores::sqlite {

// Where the answer meets the caller. The coroutine owns its side by a guard: once its frame is gone
// (finished, timed out, or destroyed with its io_context at shutdown) `executor` is empty and the store's
// thread posts nothing any more.
template <typename T>
struct Ticket {
  std::mutex mutex;
  net::any_io_executor executor;         // guarded; empty: nobody waits
  net::steady_timer* timer = nullptr;    // of the waiting frame; used on its executor only
  std::optional<StoreResult<T>> result;  // written under the mutex, read by the frame after the timer fired
};

template <typename T>
class WaitingSide {
 public:
  WaitingSide(std::shared_ptr<Ticket<T>> ticket, net::steady_timer& timer) : ticket_(std::move(ticket)) {
    ticket_->timer = &timer;
  }
  ~WaitingSide() {
    const std::lock_guard lock(ticket_->mutex);
    ticket_->timer = nullptr;
    ticket_->executor = {};
  }
  WaitingSide(const WaitingSide&) = delete;
  WaitingSide& operator=(const WaitingSide&) = delete;

  std::optional<StoreResult<T>> take() {
    const std::lock_guard lock(ticket_->mutex);
    return std::exchange(ticket_->result, std::nullopt);
  }

 private:
  std::shared_ptr<Ticket<T>> ticket_;
};

template <typename T>
void answer(const std::shared_ptr<Ticket<T>>& ticket, StoreResult<T> result) {
  const std::lock_guard lock(ticket->mutex);
  if (!ticket->executor) return;
  ticket->result.emplace(std::move(result));
  net::post(ticket->executor, [ticket] {
    if (ticket->timer != nullptr) ticket->timer->cancel();
  });
}

// A job whose work is one function. T may be void.
template <typename T>
class FunctionJob : public Job {
 public:
  using Work = std::function<T(Tables&)>;
  FunctionJob(Mode mode, SteadyTime deadline, Work work, std::shared_ptr<Ticket<T>> ticket)
      : Job(mode, deadline), work_(std::move(work)), ticket_(std::move(ticket)) {}

  void run(Tables& tables) override {
    if constexpr (std::is_void_v<T>) {
      work_(tables);
      outcome_.emplace();
    } else {
      outcome_.emplace(work_(tables));
    }
  }
  void fail(StoreError error) override { outcome_.emplace(std::move(error)); }
  void deliver() override { answer(ticket_, std::move(*outcome_)); }

 protected:
  const std::optional<StoreResult<T>>& outcome() const { return outcome_; }

 private:
  Work work_;
  std::shared_ptr<Ticket<T>> ticket_;
  std::optional<StoreResult<T>> outcome_;
};

// Reads the log; parks until there is news, or `until`.
class LogReadJob final : public FunctionJob<revocation::Batch> {
 public:
  LogReadJob(SteadyTime deadline, SteadyTime until, Work work,
             std::shared_ptr<Ticket<revocation::Batch>> ticket)
      : FunctionJob(Mode::read, deadline, std::move(work), std::move(ticket)), until_(until) {}
  std::optional<SteadyTime> waits_until() const override {
    const auto& batch = outcome();
    if (!batch || !*batch || !(*batch)->entries.empty() || (*batch)->gap) return std::nullopt;
    return until_;
  }

 private:
  SteadyTime until_;
};

// What a set of interfaces of one executor shares.
struct Client {
  std::shared_ptr<StoreThread> thread;
  net::any_io_executor executor;  // serial: a worker's io_context or a strand
  std::chrono::milliseconds timeout;
};

// Submits `job`, which answers `ticket`, and waits for it.
template <typename T>
Task<StoreResult<T>> submit(Client client, std::shared_ptr<Ticket<T>> ticket, std::shared_ptr<Job> job,
                            SteadyTime give_up) {
  net::steady_timer timer(client.executor, give_up);
  WaitingSide<T> side(ticket, timer);
  if (!client.thread->submit(std::move(job))) {
    StoreError error{StoreError::Kind::overloaded,
                     "store sqlite:" + client.thread->path() + ": too many operations wait for the disk"};
    co_return error;
  }
  co_await timer.async_wait(kAwait);
  if (auto result = side.take()) co_return std::move(*result);
  StoreError error{StoreError::Kind::timeout,
                   "store sqlite:" + client.thread->path() + ": the disk didn't answer in time"};
  co_return error;
}

template <typename T>
Task<StoreResult<T>> call(const Client& client, Job::Mode mode, std::function<T(Tables&)> work) {
  const auto give_up = std::chrono::steady_clock::now() + client.timeout;
  auto ticket = std::make_shared<Ticket<T>>();
  ticket->executor = client.executor;
  auto job = std::make_shared<FunctionJob<T>>(mode, give_up, std::move(work), ticket);
  return submit<T>(client, std::move(ticket), std::move(job), give_up);
}

}  // namespace sallyport::stores::sqlite
