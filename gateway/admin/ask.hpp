// Questions of the control thread to the workers: each is asked on its own thread, through its mailbox, and
// the answers are awaited here. No worker waits for anybody.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "auth/task.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

// What each worker says; nullopt where one didn't answer in time (it is stopping, or very busy).
template <typename T>
Task<std::vector<std::optional<T>>> ask_all(net::io_context& control, std::vector<Worker*> workers,
                                            std::function<T(Worker&)> question,
                                            std::chrono::milliseconds patience = std::chrono::seconds(1)) {
  struct Answers {
    Answers(net::io_context& io, std::size_t n, std::chrono::milliseconds time)
        : timer(io, time), values(n), left(n) {}
    net::steady_timer timer;
    std::vector<std::optional<T>> values;
    std::size_t left;
  };
  const auto answers = std::make_shared<Answers>(control, workers.size(), patience);
  for (std::size_t i = 0; i < workers.size(); ++i)
    workers[i]->post([i, answers, question, &control](Worker& worker) {
      net::post(control, [i, answers, value = question(worker)]() mutable {
        answers->values[i] = std::move(value);
        if (--answers->left == 0) answers->timer.cancel();
      });
    });
  if (!workers.empty()) {
    auto [ec] = co_await answers->timer.async_wait(kAwait);
    (void)ec;  // cancelled: all have answered
  }
  co_return std::move(answers->values);
}

// Runs `act` on the worker's loop, where the services of users and sessions live; nullopt: no answer in time,
// and what it does may still happen.
template <typename T>
Task<std::optional<T>> run_on(net::io_context& control, Worker& worker, std::function<Task<T>(Worker&)> act,
                              std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  struct Answer {
    Answer(net::io_context& io, std::chrono::milliseconds time) : timer(io, time) {}
    net::steady_timer timer;
    std::optional<T> value;
  };
  const auto answer = std::make_shared<Answer>(control, patience);
  worker.post([answer, act = std::move(act), &control](Worker& there) {
    spawn(there.executor(), act(there), [answer, &control](std::exception_ptr error, T value) {
      net::post(control, [answer, failed = error != nullptr, value = std::move(value)]() mutable {
        if (!failed) answer->value = std::move(value);
        answer->timer.cancel();
      });
    });
  });
  auto [ec] = co_await answer->timer.async_wait(kAwait);
  (void)ec;  // cancelled: it has ended
  co_return std::move(answer->value);
}

}  // namespace sallyport::gateway
