#include "gateway/endpoints/endpoints.hpp"

#include "gateway/endpoints/acts.hpp"
#include "gateway/refuse.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway::endpoints {
namespace {

struct Act {
  std::string_view name;  // for the access log
  Task<> (*serve)(Call call);
  bool needs_no_token = false;
};

Act act_of(OwnEndpoint endpoint) {
  switch (endpoint) {
    case OwnEndpoint::register_:
      return {"register", register_user, true};
    case OwnEndpoint::login:
      return {"login", login, true};
    case OwnEndpoint::refresh:
      return {"refresh", refresh, true};
    case OwnEndpoint::logout:
      return {"logout", logout, true};  // judges its tokens itself: expired ones do too
    case OwnEndpoint::sessions:
      return {"sessions", list_sessions};
    case OwnEndpoint::session:
      return {"session", end_session};
    case OwnEndpoint::password:
      return {"password", change_password};
    case OwnEndpoint::me:
      return {"me", me};
    case OwnEndpoint::ticket:
      return {"ticket", ticket};
    case OwnEndpoint::jwks:
      return {"jwks", jwks, true};
    case OwnEndpoint::metadata:
      return {"metadata", metadata, true};
  }
  return {};
}

}  // namespace

bool needs_no_token(OwnEndpoint endpoint) { return act_of(endpoint).needs_no_token; }

Task<> serve(Worker& worker, Exchange& exchange, RequestContext& context, const Match& match) {
  const Act act = act_of(match.endpoint);
  if (act.serve == nullptr || worker.issuing() == nullptr)
    co_return co_await refuse(worker, exchange, context, Verdict::not_found);
  context.endpoint = act.name;
  co_await act.serve(Call{worker, exchange, context, match});
}

}  // namespace sallyport::gateway::endpoints
