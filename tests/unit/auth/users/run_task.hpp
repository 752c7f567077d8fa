// Runs one coroutine to its end on an io_context of its own and hands its result back.
#pragma once

#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "auth/task.hpp"

namespace sallyport {

template <typename T>
T run_task(Task<T> task) {
  net::io_context context;
  std::optional<T> result;
  std::exception_ptr thrown;
  spawn(context, std::move(task), [&](std::exception_ptr e, T value) {
    thrown = e;
    if (!e) result.emplace(std::move(value));
  });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

}  // namespace sallyport
