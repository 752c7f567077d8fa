#include "gateway/cli/end_sessions.hpp"

#include <algorithm>

#include "auth/sessions/ending.hpp"
#include "gateway/cli/command.hpp"

namespace sallyport::cli {

Task<StoreResult<std::size_t>> end_sessions(stores::Stores& stores, const config::Tokens& tokens,
                                            std::string user_id, sessions::EndCause cause) {
  auto live = co_await stores.sessions->list(user_id);
  if (!live) co_return live.error();
  std::vector<sessions::SessionId> told;
  std::vector<revocation::Event> events;
  const UnixSeconds now = std::max(now_seconds(), to_seconds(live->now));
  for (const auto& session : live->sessions) {
    told.push_back(session.id);
    events.push_back(sessions::ending_event(tokens, session.id, cause, now));
  }
  if (!events.empty()) {
    auto appended = co_await stores.log->append(std::move(events));
    if (!appended) co_return appended.error();
  }

  auto ended = co_await stores.sessions->end_all(user_id, std::nullopt, cause);
  if (!ended) co_return ended.error();
  // Those that began between the two steps.
  std::vector<revocation::Event> late;
  for (const auto& id : ended->ended) {
    if (std::find(told.begin(), told.end(), id) == told.end())
      late.push_back(sessions::ending_event(tokens, id, cause, now));
  }
  if (!late.empty()) {
    auto appended = co_await stores.log->append(std::move(late));
    if (!appended) co_return appended.error();
  }
  co_return ended->ended.size();
}

}  // namespace sallyport::cli
