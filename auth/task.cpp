#include "auth/task.hpp"

#include <array>
#include <new>

namespace sallyport::coroutine {
namespace {

// A sanitizer must see each frame come and go. GCC says so in one way and clang in another.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SALLYPORT_FRAMES_ARE_WATCHED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SALLYPORT_FRAMES_ARE_WATCHED
#endif
#endif

#ifdef SALLYPORT_FRAMES_ARE_WATCHED
constexpr std::size_t kMostKept = 0;
#else
constexpr std::size_t kMostKept = 1 << 20;  // bytes of a thread, for what comes next
#endif
constexpr std::size_t kStep = 64;
constexpr std::size_t kSizes = 64;

struct Free {
  Free* next;
};

struct Kept {
  std::array<Free*, kSizes> frames{};
  std::size_t bytes = 0;
  bool over = false;  // the thread is ending: nothing is kept any more

  ~Kept() {
    over = true;
    for (Free*& list : frames)
      while (list != nullptr) ::operator delete(std::exchange(list, list->next));
  }
};

thread_local Kept kept;

std::size_t size_index(std::size_t size) { return (size - 1) / kStep; }

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = size_index(size);
  if (index >= kSizes) return ::operator new(size);
  const std::size_t rounded = (index + 1) * kStep;
  Kept& here = kept;
  Free*& list = here.frames[index];
  if (list == nullptr) return ::operator new(rounded);
  here.bytes -= rounded;
  return std::exchange(list, list->next);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = size_index(size);
  const std::size_t rounded = (index + 1) * kStep;
  Kept& here = kept;
  if (index >= kSizes || here.over || here.bytes + rounded > kMostKept) {
    ::operator delete(frame);
    return;
  }
  here.bytes += rounded;
  here.frames[index] = new (frame) Free{here.frames[index]};
}

Chain::Chain(const net::any_io_executor& executor, std::coroutine_handle<> bottom, Promise& promise)
    : executor_(executor),
      work_(net::prefer(executor, net::execution::outstanding_work.tracked)),
      bottom_(bottom),
      top_(bottom),
      promise_(promise) {
  promise.chain = this;
}

void Chain::resume() {
  state_ = State::runs;
  if (!running_) run();
}

void Chain::abandon() {
  state_ = State::abandoned;
  if (!running_) end();
}

// A loop and not calls of calls: the stack doesn't grow with what ends at once, in any build.
void Chain::run() {
  running_ = true;
  while (top_ && state_ == State::runs) top_.resume();
  running_ = false;
  if (state_ != State::waits) end();
}

void Chain::end() {
  const std::exception_ptr thrown = promise_.thrown;
  bottom_.destroy();
  delete this;
  if (thrown) std::rethrow_exception(thrown);
}

void start(const net::any_io_executor& executor, Task<> bottom) {
  const auto frame = std::exchange(bottom.frame_, nullptr);
  Suspended begins(*new Chain(executor, frame, frame.promise()));
  net::dispatch(executor, [begins = std::move(begins)]() mutable { begins.resume(); });
}

}  // namespace sallyport::coroutine
