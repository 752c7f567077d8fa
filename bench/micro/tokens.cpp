// What a token costs: from the cache, and verified anew with each algorithm; the policy of a route.
#include "auth/jose/token_issuer.hpp"
#include "auth/policy/authenticator.hpp"
#include "bench/micro/support/allocations.hpp"

namespace sallyport::policy {
namespace {

constexpr UnixSeconds kNow{std::chrono::seconds(1'800'000'000)};
constexpr Freshness kFresh{true, std::chrono::milliseconds(0)};

jose::Key make_key(jose::Algorithm algorithm) {
  if (jose::symmetric(algorithm))
    return *jose::key_from_secret(config::Secret(std::string(64, 's')), algorithm, "k1");
  return *jose::generate_key(algorithm);
}

struct World {
  explicit World(jose::Algorithm algorithm)
      : key(std::make_shared<const jose::Key>(make_key(algorithm))), issuer(key) {
    jose::Issuer known;
    known.issuer = "https://auth.example.com";
    known.audience = {"api"};
    known.types = {"at+jwt"};
    known.keys = std::make_shared<const jose::KeySet>(std::vector<jose::Key>{*key});
    issuers = std::make_shared<const std::vector<jose::Issuer>>(std::vector{known});
  }

  std::string token(std::int64_t number, std::chrono::seconds life = std::chrono::seconds(600)) {
    jose::AccessToken t;
    t.issuer = "https://auth.example.com";
    t.audience = {"api"};
    t.subject = "user-" + std::to_string(number);
    t.token_id = "token-" + std::to_string(number);
    t.session_id = "session-" + std::to_string(number);
    t.issued_at = kNow - std::chrono::seconds(3600);
    t.expires = kNow + life;
    t.extra = {{"roles", {"clerk", "reader"}}, {"tenant", "north"}};
    return issuer.issue(t);
  }

  std::shared_ptr<const jose::Key> key;
  jose::TokenIssuer issuer;
  Authenticator::Issuers issuers;
};

void verify(benchmark::State& state) {
  World world(static_cast<jose::Algorithm>(state.range(0)));
  state.SetLabel(std::string(jose::to_string(static_cast<jose::Algorithm>(state.range(0)))));
  jose::TokenVerifier verifier(world.issuers);
  const std::string token = world.token(1);
  const bench::CountAllocations count(state);
  for (auto _ : state)
    if (!verifier.verify(token, kNow)) state.SkipWithError("refused");
}
BENCHMARK(verify)->DenseRange(0, 12);

// Tokens in a row that never hits where the cache is smaller than they are many.
void decide(benchmark::State& state, std::int64_t tokens, std::chrono::seconds life, Verdict expected) {
  World world(jose::Algorithm::hs256);
  Authenticator authenticator(world.issuers, std::chrono::seconds(5), 32 << 20);
  config::Allow allow;
  allow.roles = {"admin", "clerk"};
  const RoutePolicy policy{config::AuthMode::required, AccessPolicy(allow), config::Degraded::closed};
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < tokens; ++i) all.push_back(world.token(i, life));
  for (const std::string& token : all) authenticator.decide(Credential::bearer(token), policy, kNow, kFresh);
  std::size_t next = 0;
  const bench::CountAllocations count(state);
  for (auto _ : state) {
    const std::string& token = all[next++ % all.size()];
    if (authenticator.decide(Credential::bearer(token), policy, kNow, kFresh).verdict != expected)
      state.SkipWithError("another verdict");
  }
}

void decide_cached(benchmark::State& state) {
  decide(state, state.range(0), std::chrono::seconds(600), Verdict::allowed);
}
BENCHMARK(decide_cached)->Arg(1)->Arg(1000)->Arg(10'000);

void decide_missed(benchmark::State& state) {
  decide(state, 100'000, std::chrono::seconds(600), Verdict::allowed);
}
BENCHMARK(decide_missed);

void decide_expired(benchmark::State& state) {
  decide(state, 1000, std::chrono::seconds(-600), Verdict::token_expired);
}
BENCHMARK(decide_expired);

void permit(benchmark::State& state) {
  World world(jose::Algorithm::hs256);
  jose::TokenVerifier verifier(world.issuers);
  const auto claims = *verifier.verify(world.token(1), kNow);
  config::Allow allow;
  allow.roles = {"admin", "clerk"};
  allow.claims = {{"tenant", {"south", "north"}}};
  const AccessPolicy policy(allow);
  const bench::CountAllocations count(state);
  for (auto _ : state)
    if (!policy.permits(*claims)) state.SkipWithError("not permitted");
}
BENCHMARK(permit);

}  // namespace
}  // namespace sallyport::policy
