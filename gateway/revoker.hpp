// Revocation as a worker does it: append to the log, then put it in force in every worker of this process,
// then go on.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <vector>

#include "auth/revocation/revocation_log.hpp"
#include "auth/revocation/revoker.hpp"

namespace sallyport::gateway {

// The process's side (gateway/follower.hpp): thread-safe.
class Enforcer {
 public:
  virtual ~Enforcer() = default;
  // Calls `done` (on no particular thread) once every worker judges by these events.
  virtual void enforce(std::vector<revocation::Event> events, std::function<void()> done) = 0;
};

class WorkerRevoker final : public revocation::Revoker {
 public:
  // How long the other workers may take. They take microseconds; one that hangs must not hang a logout.
  static constexpr std::chrono::seconds kPatience{2};

  WorkerRevoker(net::any_io_executor executor, revocation::RevocationLog& log, Enforcer& enforcer)
      : executor_(std::move(executor)), log_(log), enforcer_(enforcer) {}
  Task<StoreResult<void>> revoke(std::vector<revocation::Event> events) override;

 private:
  net::any_io_executor executor_;
  revocation::RevocationLog& log_;
  Enforcer& enforcer_;
};

}  // namespace sallyport::gateway
