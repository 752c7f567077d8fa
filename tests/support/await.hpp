// Runs coroutines to their end on an io_context of the test and gives their results.
#pragma once

#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "auth/task.hpp"

namespace sallyport::testing {

// Runs the context until `task` is done; what else is ready runs too.
template <typename T>
T await(net::io_context& context, Task<T> task) {
  std::optional<T> result;
  std::exception_ptr thrown;
  spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
    thrown = error;
    result.emplace(std::move(value));
  });
  context.restart();
  while (!result && context.run_one() > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  if (!result) throw std::runtime_error("the coroutine waits for something that never happens");
  return std::move(*result);
}

// All of them at once; the results in the order of the tasks.
template <typename T>
std::vector<T> await_all(net::io_context& context, std::vector<Task<T>> tasks) {
  std::vector<T> results(tasks.size());
  std::size_t left = tasks.size();
  std::exception_ptr thrown;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    spawn(context, std::move(tasks[i]), [&, i](std::exception_ptr error, T value) {
      if (error) thrown = error;
      results[i] = std::move(value);
      --left;
    });
  }
  context.restart();
  while (left > 0 && context.run_one() > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  if (left > 0) throw std::runtime_error("a coroutine waits for something that never happens");
  return results;
}

}  // namespace sallyport::testing
