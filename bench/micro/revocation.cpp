// The revocation index at 1,000, a million and ten million entries: what a look-up takes, what an entry
// takes, what following 10,000 events a second costs, and the check's share of a request. Targets: at most 40
// bytes an entry, under 100 ns a look-up at ten million.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "auth/jose/token_issuer.hpp"
#include "auth/policy/authenticator.hpp"
#include "auth/revocation/revocation_set.hpp"

namespace sallyport {
namespace {

using namespace std::chrono_literals;
using revocation::Event;
using revocation::Kind;
using revocation::RevocationSet;

constexpr UnixSeconds kNow{1'800'000'000s};
constexpr const char* kIssuer = "https://auth.example.com";

std::string sid(std::size_t n) {
  std::string id = std::to_string(n);
  return std::string(32 - id.size(), 'A') + id;  // as long as a session id
}

Event ended(std::size_t n) {
  return {.kind = Kind::session, .issuer = kIssuer, .id = sid(n), .until = kNow + 600s};
}

// Made once for each size: ten million take a while. Built from pages, as a gateway reads its log, and then
// compacted, as it does as soon as it has read all.
std::shared_ptr<const RevocationSet> set_of(std::size_t size) {
  static std::map<std::size_t, std::shared_ptr<const RevocationSet>> made;
  auto& set = made[size];
  if (set) return set;
  set = RevocationSet::empty();
  constexpr std::size_t kPage = 1000;
  std::vector<Event> page;
  for (std::size_t i = 0; i < size; i += page.size()) {
    page.clear();
    for (std::size_t n = i; n < std::min(size, i + kPage); ++n) page.push_back(ended(n));
    set = set->with(page);
  }
  return set = set->compacted(kNow);
}

jose::Claims claims_of(std::size_t session) {
  jose::Claims claims;
  claims.issuer = kIssuer;
  claims.own = true;
  claims.subject = "user-" + std::to_string(session);
  claims.token_id = "jti-" + std::to_string(session);
  claims.session_id = sid(session);
  claims.key_id = "kid-1";
  claims.issued_at = kNow - 60s;
  claims.expires = kNow + 540s;
  return claims;
}

// So many that the places where they would stand aren't in the processor's caches.
constexpr std::size_t kAsked = 1 << 16;
constexpr std::size_t kStride = 100;

std::vector<revocation::Digests> digests_from(std::size_t first) {
  std::vector<revocation::Digests> out;
  for (std::size_t i = 0; i < kAsked; ++i)
    out.push_back(revocation::digests_of(claims_of(first + i * kStride)));
  return out;
}

// A live token, which is what nearly every request brings: nothing may be found.
void live_token(benchmark::State& state) {
  const auto set = set_of(static_cast<std::size_t>(state.range(0)));
  const auto claims = claims_of(0);
  const auto asked = digests_from(100'000'000);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(set->revokes(claims, asked[i++ % kAsked], kNow));
  state.counters["bytes/entry"] = static_cast<double>(set->memory_bytes()) / static_cast<double>(set->size());
}
BENCHMARK(live_token)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000);

void revoked_token(benchmark::State& state) {
  const auto set = set_of(static_cast<std::size_t>(state.range(0)));
  const auto claims = claims_of(0);
  const auto asked = digests_from(0);
  std::size_t i = 0, found = 0;
  for (auto _ : state) found += set->revokes(claims, asked[i++ % kAsked], kNow);
  if (state.range(0) >= static_cast<std::int64_t>(kAsked * kStride) &&
      found != static_cast<std::size_t>(state.iterations()))
    state.SkipWithError("a revoked token was not found");
}
BENCHMARK(revoked_token)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000);

// The follower's work: a batch of new events on top of the index. The worst batch of a run merges levels.
void follow(benchmark::State& state) {
  auto set = set_of(static_cast<std::size_t>(state.range(0)));
  const auto batch_size = static_cast<std::size_t>(state.range(1));
  std::size_t n = 200'000'000;
  double worst = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Event> batch;
    for (std::size_t i = 0; i < batch_size; ++i) batch.push_back(ended(n++));
    state.ResumeTiming();
    const auto begin = std::chrono::steady_clock::now();
    set = set->with(batch);
    worst = std::max(worst, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.counters["worst_ms"] = 1000 * worst;
}
BENCHMARK(follow)->Args({1'000, 10})->Args({1'000'000, 10})->Args({10'000'000, 10})->Args({10'000'000, 100});

void compact(benchmark::State& state) {
  const auto set = set_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(set->compacted(kNow));
}
BENCHMARK(compact)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

// A whole decision about a request whose token was verified before; with an empty index and with a full one.
// Their difference is what the check costs; a request costs about 10 microseconds of CPU and more.
void decision(benchmark::State& state) {
  auto made = jose::key_from_secret(config::Secret(std::string(32, 's')), jose::Algorithm::hs256, "k1");
  const auto key = std::make_shared<const jose::Key>(std::move(*made));
  jose::Issuer own;
  own.issuer = kIssuer;
  own.audience = {"api"};
  own.types = {"at+jwt"};
  own.clock_skew = 5s;
  own.own = true;
  own.keys = std::make_shared<const jose::KeySet>(std::vector<jose::Key>{*key});
  policy::Authenticator authenticator(std::make_shared<const std::vector<jose::Issuer>>(std::vector{own}),
                                      5000ms, 32 << 20);
  if (state.range(0) > 0) authenticator.use(set_of(static_cast<std::size_t>(state.range(0))));
  jose::TokenIssuer issuer(key);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 1000; ++i) {
    jose::AccessToken token;
    token.issuer = kIssuer;
    token.audience = {"api"};
    token.subject = "user-" + std::to_string(i);
    token.token_id = "jti-" + std::to_string(i);
    token.session_id = sid(300'000'000 + i);
    token.issued_at = kNow;
    token.expires = kNow + 600s;
    texts.push_back(issuer.issue(token));
  }
  const policy::RoutePolicy policy;
  std::size_t i = 0;
  for (auto _ : state) {
    const auto credential = policy::Credential::bearer(texts[i++ % texts.size()]);
    const auto decided = authenticator.decide(credential, policy, kNow, {true, 100ms});
    if (!policy::passes(decided.verdict)) {
      state.SkipWithError("a good token was refused");
      break;
    }
  }
}
BENCHMARK(decision)->Arg(0)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000);

}  // namespace
}  // namespace sallyport
