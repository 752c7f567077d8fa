#include "gateway/cookie_session.hpp"

#include <algorithm>

#include "gateway/cookies.hpp"
#include "gateway/judge.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

using sessions::RefreshFailure;

// Ends the flight however its leader ends: who waits must not wait for ever.
class Landing {
 public:
  Landing(RefreshFlights& flights, std::string token, std::shared_ptr<RefreshFlight> flight)
      : flights_(flights), token_(std::move(token)), flight_(std::move(flight)) {}
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  ~Landing() {
    flights_.erase(token_);
    flight_->done.cancel();
  }

 private:
  RefreshFlights& flights_;
  std::string token_;
  std::shared_ptr<RefreshFlight> flight_;
};

RefreshResult no_outcome() {
  sessions::RefreshError error;
  error.failure = RefreshFailure::store_unavailable;
  return error;
}

// `sessions` lives as long as the request that leads.
Task<RefreshResult> refresh_once(Worker& worker, sessions::SessionService& sessions, std::string token,
                                 sessions::Client client) {
  RefreshFlights& flights = worker.refresh_flights();
  const auto under_way = flights.find(token);
  if (under_way != flights.end()) {
    const std::shared_ptr<RefreshFlight> flight = under_way->second;
    const auto waited = co_await flight->done.async_wait(kAwait);
    (void)waited;
    co_return flight->outcome ? *flight->outcome : no_outcome();
  }
  auto flight = std::make_shared<RefreshFlight>(worker.executor());
  flight->done.expires_at(net::steady_timer::time_point::max());
  flights.emplace(token, flight);
  const Landing landing(flights, token, flight);
  std::shared_ptr<const jose::Claims> no_access;
  RefreshResult outcome =
      co_await sessions.refresh(std::move(token), std::move(no_access), std::move(client));
  flight->outcome = outcome;
  co_return outcome;
}

sessions::Client client_of(const RequestHead& head, const RequestContext& context) {
  sessions::Client client;
  client.ip = context.provenance.client;
  if (const Field* field = head.find(FieldId::user_agent)) client.user_agent = field->value;
  return client;
}

// Half of a short life is early enough: a token that lives for a minute isn't refreshed by each request.
bool is_due(const jose::Claims& claims, std::chrono::seconds refresh_before, UnixSeconds now) {
  const auto life = std::max(claims.expires - claims.issued_at, std::chrono::seconds(0));
  return claims.own && now + std::min(refresh_before, life / 2) >= claims.expires;
}

CookieJudgement as(policy::Decision decision, RequestContext& context) {
  context.claims = std::move(decision.claims);
  if (decision.reason) context.reason = jose::to_string(*decision.reason);
  if (decision.unchecked) context.reason = "revocations_unchecked";
  if (policy::passes(decision.verdict)) return {true, std::nullopt};
  return {true, answer_of(decision.verdict)};
}

}  // namespace

bool ends_session(RefreshFailure failure) {
  return failure != RefreshFailure::store_unavailable && failure != RefreshFailure::superseded;
}

Task<CookieJudgement> judge_cookies(Worker& worker, const RequestHead& head,
                                    const policy::RoutePolicy& policy, RequestContext& context) {
  const config::Cookies& rules = context.runtime().config.auth.cookies;
  if (!rules.on || policy.auth == config::AuthMode::none || !context.serving->issuing ||
      head.find(FieldId::authorization) != nullptr)
    co_return CookieJudgement{};
  const SessionCookies cookies = read_cookies(head);
  if (cookies.state == SessionCookies::State::absent) co_return CookieJudgement{};
  if (needs_origin(head) && !origin_allowed(head, context.provenance.https, rules.origins)) {
    context.reason = "origin";
    co_return CookieJudgement{true, Verdict::origin_refused};
  }
  if (cookies.state == SessionCookies::State::malformed) {
    context.reason = "cookies";
    co_return CookieJudgement{true, Verdict::token_malformed};
  }

  policy::Authenticator& authenticator = worker.authenticator();
  policy::Decision decision;
  decision.verdict = policy::Verdict::token_missing;
  if (!cookies.access.empty())
    decision = authenticator.decide(policy::Credential::bearer(cookies.access), policy, worker.unix_now(),
                                    worker.freshness());
  const bool good = policy::passes(decision.verdict);
  const bool over = decision.verdict == policy::Verdict::token_expired ||
                    decision.verdict == policy::Verdict::token_missing;
  const bool due = over || (good && is_due(*decision.claims, rules.refresh_before, worker.unix_now()));
  if (good && decision.first_seen) worker.confirm(decision.claims);
  if (!due || cookies.refresh.empty()) co_return as(std::move(decision), context);

  std::string token(cookies.refresh);
  sessions::Client client = client_of(head, context);
  sessions::SessionService& service = context.serving->issuing->sessions;
  const RefreshResult refreshed = co_await refresh_once(worker, service, std::move(token), std::move(client));
  if (refreshed) {
    context.cookies = cookie_lines(*refreshed);
    auto claims = authenticator.claims_of(refreshed->access_token, worker.unix_now());
    if (!claims) {
      context.reason = jose::to_string(claims.error());
      co_return CookieJudgement{true, Verdict::token_invalid};
    }
    // Judged by its claims, not by the token: that counts as seen, and confirms the pair, only when the
    // client sends it back.
    co_return as(authenticator.decide(std::move(*claims), policy, worker.unix_now(), worker.freshness()),
                 context);
  }
  const RefreshFailure failure = refreshed.error().failure;
  if (failure == RefreshFailure::store_unavailable && over) {
    context.reason = "silent refresh: " + refreshed.error().store.detail;
    co_return CookieJudgement{true, Verdict::store_unavailable};
  }
  if (decision.claims)  // the refresh may have ended the session
    decision =
        authenticator.decide(std::move(decision.claims), policy, worker.unix_now(), worker.freshness());
  const CookieJudgement judgement = as(std::move(decision), context);
  if (judgement.verdict) context.reason = sessions::to_string(failure);
  if (judgement.verdict && ends_session(failure)) context.cookies = clearing_lines();
  co_return judgement;
}

}  // namespace sallyport::gateway
