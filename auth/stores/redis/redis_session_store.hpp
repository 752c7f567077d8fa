// Sessions in Redis: a hash each, an index of the live ones and an epoch per user, all in the user's slot.
#pragma once

#include <memory>

#include "auth/sessions/session_store.hpp"
#include "auth/stores/redis/client.hpp"
#include "auth/stores/redis/keys.hpp"

namespace sallyport::stores::redis {

class RedisSessionStore final : public sessions::SessionStore {
 public:
  RedisSessionStore(std::shared_ptr<Client> client, Keys keys, config::Refresh rules)
      : client_(std::move(client)), keys_(std::move(keys)), rules_(std::move(rules)) {}

  void use(const config::Refresh& rules) override { rules_ = rules; }
  Task<StoreResult<sessions::Created>> create(sessions::Session session, unsigned max,
                                              config::WhenFull when_full) override;
  Task<StoreResult<sessions::Found>> load(sessions::SessionId id) override;
  Task<StoreResult<bool>> compare_and_swap(sessions::Session next) override;
  Task<StoreResult<void>> confirm(sessions::SessionId id, std::uint32_t generation) override;
  Task<StoreResult<sessions::Listed>> list(std::string_view user_id) override;
  Task<StoreResult<bool>> end(std::string_view user_id, sessions::SessionId id,
                              sessions::EndCause cause) override;
  Task<StoreResult<sessions::EndedAll>> end_all(std::string_view user_id,
                                                std::optional<sessions::SessionId> except,
                                                sessions::EndCause cause) override;

 private:
  Task<StoreResult<Reply>> run_knowing_sessions(const Script& script, Words keys, Words arguments);
  Task<StoreResult<bool>> is_done(const Script& script, Words keys, Words arguments);

  std::shared_ptr<Client> client_;
  Keys keys_;
  config::Refresh rules_;
};

}  // namespace sallyport::stores::redis
