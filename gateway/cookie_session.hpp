// Cookie mode at work: a request judged by the pair in its cookies, which the gateway refreshes by itself
// when its time has come.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "auth/policy/authenticator.hpp"
#include "auth/sessions/session_service.hpp"
#include "auth/task.hpp"
#include "gateway/message.hpp"
#include "gateway/replies.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

class Worker;

using RefreshResult = boost::system::result<sessions::TokenPair, sessions::RefreshError>;

// The refreshes under way in a worker, by refresh token: requests that come with the same one meanwhile wait
// for its outcome. Those of other workers and nodes get the same successor by the rotation rule.
struct RefreshFlight {
  explicit RefreshFlight(const net::any_io_executor& executor) : done(executor) {}
  net::steady_timer done;  // never fires: cancelled when there is an outcome
  std::optional<RefreshResult> outcome;
};
using RefreshFlights = std::map<std::string, std::shared_ptr<RefreshFlight>>;

// Judges a request by its cookies, where cookie mode is on and it has some and no Authorization; fills claims
// and cookies of the context. `judged` false: judge it by its token. Otherwise nullopt: go on.
struct CookieJudgement {
  bool judged = false;
  std::optional<Verdict> verdict;
};
Task<CookieJudgement> judge_cookies(Worker& worker, const RequestHead& head,
                                    const policy::RoutePolicy& policy, RequestContext& context);

// Does this failure mean that the session is over, so that its cookies are of no use?
bool ends_session(sessions::RefreshFailure failure);

}  // namespace sallyport::gateway
