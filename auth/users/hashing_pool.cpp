#include "auth/users/hashing_pool.hpp"

#include <algorithm>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "auth/low_priority.hpp"
#include "auth/users/password_hash.hpp"

namespace sallyport::users {
namespace {

// What a job leaves behind in the frame of the coroutine that waits for it.
struct Work {
  config::Secret password;
  std::string hash;  // verify: given; hash: made
  bool making = false;
  bool fits = false;
  bool done = false;  // else refused
};

void perform(Work& work) {
  try {
    if (work.making) {
      work.hash = hash_password(work.password, random_salt());
    } else {
      work.fits = verify_password(work.password, work.hash);
    }
    work.done = true;
  } catch (const std::exception&) {
    // No memory or no randomness: not done, hence "overloaded".
  }
}

using Handler = net::any_completion_handler<void()>;

}  // namespace

struct HashingPool::State {
  struct Job {
    Work* work = nullptr;  // in the waiting coroutine's frame, which lives until `handler` has run
    Handler handler;
    net::any_io_executor executor;  // with outstanding work: run() doesn't end while we hold it
  };

  mutable std::mutex mutex;  // shared by workers and hashing threads; never held while hashing
  std::condition_variable wake;
  std::deque<Job> jobs;
  std::size_t limit = 0;
  std::size_t idle = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  static void complete(Job job) { net::post(job.executor, std::move(job.handler)); }

  void submit(Job job) {
    {
      const std::lock_guard lock(mutex);
      // A thread that is idle takes its job from the queue too, so as many more may stand there.
      if (!stopping && jobs.size() < limit + idle) {
        jobs.push_back(std::move(job));
        wake.notify_one();
        return;
      }
    }
    complete(std::move(job));
  }

  void run() {
    lower_priority();
    std::unique_lock lock(mutex);
    for (;;) {
      while (jobs.empty() && !stopping) {
        ++idle;
        wake.wait(lock);
        --idle;
      }
      if (stopping) return;
      Job job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      perform(*job.work);
      complete(std::move(job));
      lock.lock();
    }
  }

  // Suspends the caller until `work` was performed or refused.
  Task<> wait_for(Work& work) {
    const auto executor = co_await net::this_coro::executor;
    auto tracked = net::prefer(executor, net::execution::outstanding_work.tracked);
    // Captures only pointers: g++ 12 destroys others twice here.
    auto initiate = [this, at = &work, on = &tracked](auto&& handler) {
      submit(Job{at, Handler(std::forward<decltype(handler)>(handler)), *on});
    };
    co_await net::async_initiate<const Await, void()>(std::ref(initiate), kAwait);
  }
};

HashingPool::HashingPool(unsigned threads, std::size_t queue) : state_(std::make_unique<State>()) {
  state_->limit = queue;
  for (unsigned i = 0; i < std::max(threads, 1u); ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
  }
}

HashingPool::~HashingPool() {
  std::deque<State::Job> refused;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    refused.swap(state_->jobs);
    state_->wake.notify_all();
  }
  for (auto& job : refused) State::complete(std::move(job));
  for (auto& thread : state_->threads) thread.join();
}

Task<boost::system::result<bool, Overloaded>> HashingPool::verify(config::Secret password, std::string hash) {
  Work work;
  work.password = std::move(password);
  work.hash = std::move(hash);
  co_await state_->wait_for(work);
  if (!work.done) co_return Overloaded{};
  co_return work.fits;
}

Task<boost::system::result<std::string, Overloaded>> HashingPool::hash(config::Secret password) {
  Work work;
  work.password = std::move(password);
  work.making = true;
  co_await state_->wait_for(work);
  if (!work.done) co_return Overloaded{};
  co_return std::move(work.hash);
}

std::size_t HashingPool::waiting() const {
  const std::lock_guard lock(state_->mutex);
  return state_->jobs.size();
}

}  // namespace sallyport::users
