#include "gateway/endpoints/endpoints.hpp"

#include "gateway/addresses.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/refuse.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway::endpoints {
namespace {

struct Act {
  std::string_view name;  // for the access log
  Task<> (*serve)(Call call);
  bool needs_no_token = false;
  bool is_public = false;  // carries no secret either way
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
      return {"jwks", jwks, true, true};
    case OwnEndpoint::metadata:
      return {"metadata", metadata, true, true};
  }
  return {};
}

// S4.12: whoever listens on the way would have the password. On this machine nobody does.
bool may_be_read(const config::AuthEndpoints& rules, const Provenance& from) {
  if (!rules.require_https || from.https) return false;
  const auto client = parse_ip(from.client);
  return !client || !is_loopback(*client);
}

Failure https_required() {
  Failure failure;
  failure.status = 403;
  failure.error = "https_required";
  failure.description = "Use https: this endpoint takes no passwords and tokens in clear";
  return failure;
}

}  // namespace

bool needs_no_token(OwnEndpoint endpoint) { return act_of(endpoint).needs_no_token; }

Task<> serve(Worker& worker, Exchange& exchange, RequestContext& context, const Match& match) {
  const Act act = act_of(match.endpoint);
  if (act.serve == nullptr || worker.issuing() == nullptr)
    co_return co_await refuse(worker, exchange, context, Verdict::not_found);
  context.endpoint = act.name;
  const Call call{worker, exchange, context, match};
  if (!act.is_public && may_be_read(call.config().auth, context.provenance)) {
    const Failure failure = https_required();
    co_return co_await fail(call, failure);
  }
  co_await act.serve(call);
}

}  // namespace sallyport::gateway::endpoints
