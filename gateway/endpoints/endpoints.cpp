#include "gateway/endpoints/endpoints.hpp"

#include "gateway/addresses.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/catalogue.hpp"
#include "gateway/refuse.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway::endpoints {
namespace {

using Act = Task<> (*)(Call call);

Act act_of(OwnEndpoint endpoint) {
  switch (endpoint) {
    case OwnEndpoint::register_:
      return register_user;
    case OwnEndpoint::login:
      return login;
    case OwnEndpoint::refresh:
      return refresh;
    case OwnEndpoint::logout:
      return logout;
    case OwnEndpoint::sessions:
      return list_sessions;
    case OwnEndpoint::session:
      return end_session;
    case OwnEndpoint::password:
      return change_password;
    case OwnEndpoint::reset_request:
      return reset_request;
    case OwnEndpoint::reset:
      return reset_password;
    case OwnEndpoint::confirm:
      return confirm;
    case OwnEndpoint::me:
      return me;
    case OwnEndpoint::ticket:
      return ticket;
    case OwnEndpoint::verify:
      return verify;
    case OwnEndpoint::token:
      return token;
    case OwnEndpoint::revoke:
      return revoke;
    case OwnEndpoint::introspect:
      return introspect;
    case OwnEndpoint::jwks:
      return jwks;
    case OwnEndpoint::metadata:
      return metadata;
    case OwnEndpoint::openapi:
      return openapi;
    case OwnEndpoint::docs:
      return docs;
    case OwnEndpoint::account:
      return account_page;
    case OwnEndpoint::account_script:
      return account_script;
    case OwnEndpoint::account_style:
      return account_style;
  }
  return nullptr;
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

bool needs_no_token(OwnEndpoint endpoint) { return entry_of(endpoint).credential != Credential::token; }

Task<> serve(Worker& worker, Exchange& exchange, RequestContext& context, const Match& match) {
  const Act act = act_of(match.endpoint);
  if (act == nullptr) co_return co_await refuse(worker, exchange, context, Verdict::not_found);
  if (!context.serving->issuing) {
    context.reason = "own_keys_not_loaded";
    co_return co_await refuse(worker, exchange, context, Verdict::store_unavailable);
  }
  const Entry& entry = entry_of(match.endpoint);
  context.endpoint = entry.name;
  const Call call{worker, exchange, context, match};
  if (!entry.is_public && may_be_read(call.config().auth, context.provenance)) {
    const Failure failure = https_required();
    co_return co_await fail(call, failure);
  }
  co_await act(call);
}

}  // namespace sallyport::gateway::endpoints
