// Hashes and verifies passwords on a few threads of its own, at low priority, behind a bounded queue: logins
// never hold up the workers that carry traffic, and a flood of them is refused at once instead of piling up.
#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <memory>
#include <string>

#include "auth/task.hpp"
#include "config/secret.hpp"

namespace sallyport::users {

struct Overloaded {};  // the queue is full, or the pool is being shut down: 503

class HashingPool {
 public:
  // At least one thread. `queue`: jobs that wait beside those that run.
  HashingPool(unsigned threads, std::size_t queue);

  // Waits for the jobs that run (tens of milliseconds); those that wait are answered Overloaded. The
  // io_contexts that have coroutines waiting here must still exist; they needn't be running.
  ~HashingPool();
  HashingPool(const HashingPool&) = delete;
  HashingPool& operator=(const HashingPool&) = delete;

  // Any thread may call; the result arrives on the executor of the coroutine that asked.
  Task<boost::system::result<bool, Overloaded>> verify(config::Secret password, std::string hash);
  // A new argon2id hash with a random salt.
  Task<boost::system::result<std::string, Overloaded>> hash(config::Secret password);

  std::size_t waiting() const;  // for metrics

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::users
