// The coroutines of the whole program. Those that run are chains: one that was spawned, and above it those
// that are awaited, each by the one below; only the top one runs or waits. A chain belongs to the thread of
// its executor. Awaiting costs no more than a call: frames come from a list of the thread, and none is needed
// to wait.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace sallyport {

namespace net = boost::asio;

// g++ 12 miscompiles two forms: temporaries with destructors inside a co_await expression (destroyed twice),
// and a co_await inside the condition of an `if` (the frame is read before it is filled). Name the value,
// then test it.
template <typename T = void>
class Task;

namespace coroutine {

void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

struct Promise;

void start(const net::any_io_executor& executor, Task<> bottom);

class Chain {
 public:
  // Waits until it is resumed for the first time. Owns itself and the coroutines: it goes when they have
  // ended, or when nobody is left who could resume it. Its executor has work until then.
  Chain(const net::any_io_executor& executor, std::coroutine_handle<> bottom, Promise& promise);

  void put_on_top(std::coroutine_handle<> coroutine) { top_ = coroutine; }
  const net::any_io_executor& executor() const { return executor_; }

 private:
  friend class Suspended;
  enum class State : unsigned char { runs, waits, abandoned };
  void resume();   // throws what the coroutine at the bottom throws
  void abandon();  // destroys its coroutines, as if each had been left by an exception
  void run();
  void end();

  net::any_io_executor executor_;
  net::any_io_executor work_;
  std::coroutine_handle<> bottom_;
  std::coroutine_handle<> top_;
  Promise& promise_;  // of the bottom one
  State state_ = State::waits;
  bool running_ = false;
};

// The right to go on with a chain that waits, for exactly one holder. Who drops it ends the chain.
class Suspended {
 public:
  Suspended() = default;
  template <std::derived_from<Promise> P>
  explicit Suspended(std::coroutine_handle<P> waits) : Suspended(*waits.promise().chain) {}
  explicit Suspended(Chain& chain) : chain_(&chain) { chain.state_ = Chain::State::waits; }
  Suspended(Suspended&& other) noexcept : chain_(std::exchange(other.chain_, nullptr)) {}
  Suspended& operator=(Suspended&& other) noexcept {
    std::swap(chain_, other.chain_);
    return *this;
  }
  ~Suspended() {
    if (chain_ != nullptr) chain_->abandon();
  }

  explicit operator bool() const { return chain_ != nullptr; }
  const net::any_io_executor& executor() const { return chain_->executor(); }
  // On the executor's thread. From inside the coroutine that waits it returns at once, and that goes on.
  void resume() { std::exchange(chain_, nullptr)->resume(); }

 private:
  Chain* chain_ = nullptr;
};

struct Executor {
  const net::any_io_executor* executor;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  net::any_io_executor await_resume() const { return *executor; }
};

struct Promise {
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <typename P>
    void await_suspend(std::coroutine_handle<P> done) const noexcept {
      const Promise& promise = done.promise();
      promise.chain->put_on_top(promise.awaited_by);
    }
    void await_resume() const noexcept {}
  };

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }

  template <typename Awaitable>
  Awaitable&& await_transform(Awaitable&& awaitable) const noexcept {
    return std::forward<Awaitable>(awaitable);
  }
  Executor await_transform(net::this_coro::executor_t) const noexcept { return {&chain->executor()}; }

  Chain* chain = nullptr;
  std::coroutine_handle<> awaited_by;
  std::exception_ptr thrown;
};

template <typename T>
struct PromiseOf : Promise {
  template <typename U = T>
    requires std::constructible_from<T, U>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }
  T take() {
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*result);
  }
  std::optional<T> result;
};

template <>
struct PromiseOf<void> : Promise {
  void return_void() const noexcept {}
  void take() const {
    if (thrown) std::rethrow_exception(thrown);
  }
};

}  // namespace coroutine

// A coroutine that begins when it is awaited, and owns its frame; or a result that is here already, without
// one: what nearly always ends at once is a plain function that gives done(), or a coroutine for the rest.
template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type : coroutine::PromiseOf<T> {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };

  template <typename... Value>
    requires(sizeof...(Value) == (std::is_void_v<T> ? 0 : 1))
  static Task done(Value&&... value) {
    Task task(nullptr);
    if constexpr (!std::is_void_v<T>) task.result_.emplace(std::forward<Value>(value)...);
    return task;
  }

  Task(Task&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)), result_(std::move(other.result_)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    std::swap(result_, other.result_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const noexcept { return !frame_; }
  template <typename P>
  void await_suspend(std::coroutine_handle<P> by) noexcept {
    promise_type& promise = frame_.promise();
    promise.chain = by.promise().chain;
    promise.awaited_by = by;
    promise.chain->put_on_top(frame_);
  }
  T await_resume() {
    if (frame_) {
      const Task ended(std::move(*this));
      return ended.frame_.promise().take();
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result_);
  }

 private:
  friend void coroutine::start(const net::any_io_executor& executor, Task<void> bottom);
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
  std::conditional_t<std::is_void_v<T>, std::monostate, std::optional<T>> result_;
};

namespace coroutine {

// The handler of an operation: keeps its results for the one who waits, and resumes it.
template <typename... Results>
class Handler {
 public:
  using executor_type = net::any_io_executor;
  Handler(Suspended waits, std::optional<std::tuple<Results...>>& results)
      : executor_(&waits.executor()), waits_(std::move(waits)), results_(&results) {}
  const executor_type& get_executor() const noexcept { return *executor_; }
  template <typename... Given>
  void operator()(Given&&... given) {
    results_->emplace(std::forward<Given>(given)...);
    waits_.resume();
  }

 private:
  const net::any_io_executor* executor_;
  Suspended waits_;
  std::optional<std::tuple<Results...>>* results_;
};

// An operation of Asio's that begins when it is awaited.
template <typename Initiation, typename Arguments, typename... Results>
class [[nodiscard]] Operation {
 public:
  template <typename I, typename... Given>
  explicit Operation(std::in_place_t, I&& initiation, Given&&... given)
      : initiation_(std::forward<I>(initiation)), arguments_(std::forward<Given>(given)...) {}

  bool await_ready() const noexcept { return false; }
  template <typename P>
  void await_suspend(std::coroutine_handle<P> waits) {
    std::apply(
        [&](auto&... arguments) {
          std::move(initiation_)(Handler<Results...>(Suspended(waits), results_), std::move(arguments)...);
        },
        arguments_);
  }
  std::tuple<Results...> await_resume() { return std::move(*results_); }

 private:
  Initiation initiation_;
  Arguments arguments_;
  std::optional<std::tuple<Results...>> results_;
};

template <typename T, typename Done>
Task<> conclude(Task<T> task, Done done) {
  std::exception_ptr thrown;
  std::optional<T> value;
  try {
    value.emplace(co_await std::move(task));
  } catch (...) {
    thrown = std::current_exception();
  }
  if (value)
    done(thrown, std::move(*value));
  else
    done(thrown, T());
}

template <typename Done>
Task<> conclude(Task<> task, Done done) {
  std::exception_ptr thrown;
  try {
    co_await std::move(task);
  } catch (...) {
    thrown = std::current_exception();
  }
  done(thrown);
}

}  // namespace coroutine

// `auto [ec, n] = co_await socket.async_read_some(buffer, kAwait);`  Errors are values.
struct Await {};
inline constexpr Await kAwait;

// Runs `task` on the executor: at once when called on its thread, otherwise as soon as that comes to it.
// `done(exception_ptr)` or `done(exception_ptr, result)` is called there at the end; what it throws leaves
// the loop's run().
template <typename T, typename Done>
void spawn(const net::any_io_executor& executor, Task<T> task, Done done) {
  coroutine::start(executor, coroutine::conclude(std::move(task), std::move(done)));
}

template <typename Context, typename T, typename Done>
  requires requires(Context& context) { context.get_executor(); }
void spawn(Context& context, Task<T> task, Done done) {
  spawn(net::any_io_executor(context.get_executor()), std::move(task), std::move(done));
}

}  // namespace sallyport

template <typename... Results>
class boost::asio::async_result<sallyport::Await, void(Results...)> {
 public:
  template <typename Initiation, typename... Arguments>
  static auto initiate(Initiation&& initiation, sallyport::Await, Arguments&&... arguments) {
    return sallyport::coroutine::Operation<std::decay_t<Initiation>, std::tuple<std::decay_t<Arguments>...>,
                                           std::decay_t<Results>...>(
        std::in_place, std::forward<Initiation>(initiation), std::forward<Arguments>(arguments)...);
  }
};
