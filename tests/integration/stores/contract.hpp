// What the files of the contract suite share: the fixture over all kinds of store, and makers of test data.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/integration/stores/worlds.hpp"

namespace sallyport::testing {

using namespace std::chrono_literals;

// Text with everything that a careless encoding breaks: NUL, CR LF, quotes, UTF-8 of all lengths.
inline const std::string kHardText =
    std::string("a\0b\r\n\"'\\%s:|{}", 14) + "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91 ;--";

class StoreContract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    world_ = make_world(GetParam());
    backend_ = world_->open(rules_);
    gateway_ = std::make_unique<Gateway>(backend_);
  }

  // Another gateway on the same store: a second process where the store can be shared, else a second worker.
  std::shared_ptr<stores::Backend> another_backend() {
    return world_->can_be_shared() ? world_->open(rules_) : backend_;
  }

  // Runs `work(gateway)` on `count` threads, each with a gateway of its own, at once.
  template <typename Work>
  void on_gateways(int count, Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([backend = another_backend(), work] {
        Gateway gateway(backend);
        work(gateway);
      });
    }
    for (auto& thread : threads) thread.join();
  }

  sessions::SessionStore& sessions() { return *gateway_->stores.sessions; }
  revocation::RevocationLog& log() { return *gateway_->stores.log; }
  users::UserStore& users() { return *gateway_->stores.users; }
  users::AttemptStore& attempts() { return *gateway_->stores.attempts; }
  users::OneTimeStore& one_time() { return *gateway_->stores.one_time; }
  jose::KeyRingStore& keys() { return *gateway_->stores.keys; }

  template <typename T>
  T await(Task<T> task) {
    return (*gateway_)(std::move(task));
  }

  // Awaits a call that must be answered, and gives the answer.
  template <typename T>
  T ask(Task<StoreResult<T>> task) {
    auto result = await(std::move(task));
    if (!result) throw std::runtime_error("the store failed: " + result.error().detail);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

  config::Refresh rules_;
  std::unique_ptr<World> world_;
  std::shared_ptr<stores::Backend> backend_;
  std::unique_ptr<Gateway> gateway_;
};

// Only the stores that several processes can share.
class SharedStoreContract : public StoreContract {};

inline const auto kEveryStore = ::testing::Values(Kind::memory, Kind::sqlite, Kind::redis, Kind::redis_tls,
                                                  Kind::redis_sentinel, Kind::redis_cluster);
inline const auto kSharedStores =
    ::testing::Values(Kind::sqlite, Kind::redis, Kind::redis_tls, Kind::redis_sentinel, Kind::redis_cluster);
inline std::string param_name(const ::testing::TestParamInfo<Kind>& info) { return name_of(info.param); }

inline sessions::Session new_session(const std::string& user) {
  static std::atomic<unsigned> serial{0};
  sessions::Session session;
  session.user_id = user;
  const auto tag = sessions::user_tag(user);
  std::copy(tag.begin(), tag.end(), session.id.bytes.begin());
  const unsigned number = ++serial;
  for (unsigned i = 0; i < 4; ++i) session.id.bytes[8 + i] = static_cast<unsigned char>(number >> (8 * i));
  session.device = "laptop";
  session.ip = "192.0.2.7";
  session.user_agent = "test/1.0";
  return session;
}

inline bool is_over(const sessions::Found& found) {
  return !found.session || found.session->state == sessions::SessionState::ended ||
         found.session->user_epoch < found.user_epoch;
}

}  // namespace sallyport::testing
