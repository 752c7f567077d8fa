#include "gateway/worker.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "auth/jose/token_issuer.hpp"
#include "gateway/client.hpp"
#include "gateway/date.hpp"
#include "gateway/identity_headers.hpp"
#include "gateway/net/loop_clock.hpp"
#include "gateway/observe/spans.hpp"
#include "gateway/span_sender.hpp"
#include "gateway/user_source.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kBodyRoom = 16 * 1024;  // behind the head in its buffer
constexpr std::size_t kKeepBlocks = 64;
constexpr std::size_t kKeepScratch = 256;
constexpr std::size_t kCacheBytes = 32 * 1024 * 1024;
constexpr std::size_t kMaxUnconfirmed = 10'000;
constexpr std::size_t kFlushBytes = 64 * 1024;

UnixMillis wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void report(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    spdlog::critical("a worker's loop failed: {}", e.what());
  }
}

std::string_view act_name(sessions::Audit::Act act) { return sessions::to_string(act); }

}  // namespace

Worker::Worker(unsigned index, const std::shared_ptr<const Runtime>& runtime, Shared& shared)
    : index_(index),
      shared_(shared),
      deadlines_(std::chrono::steady_clock::now()),
      small_(runtime->head_limits.head_size + kBodyRoom, kKeepScratch),
      blocks_(kBlock, kKeepBlocks),
      scratch_(runtime->head_limits, small_, kKeepScratch),
      keys_(std::make_shared<const KeySnapshot>()),
      authenticator_(runtime->keys->issuers, runtime->config.revocation.max_staleness, kCacheBytes,
                     standard_identity_headers),
      assertions_(runtime->config.tokens.issuer, runtime->config.tokens.claims.roles),
      owed_(std::make_shared<std::vector<revocation::Event>>()),
      resolver_(io_.get_executor()),
      serving_(new Serving),
      clients_(std::make_unique<Clients>()) {
  std::uint64_t seed = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed) != 1)
    throw std::runtime_error("no randomness");
  random_.seed(seed);
  serving_->runtime = runtime;
  if (shared_.store != nullptr) stores_ = shared_.store->connect(io_.get_executor());
  if (shared_.users != nullptr) stores_.users = shared_.users->connect(io_.get_executor(), deadlines_);
}

// Issuer and codec are replaced in place: the services hold on to them, and none of their calls outlives a
// turn of the loop.
void Worker::use_signing_keys() {
  if (!revoker_)
    revoker_ = std::make_unique<WorkerRevoker>(io_.get_executor(), *stores_.log, *shared_.enforcer);
  if (!issuer_)
    issuer_ = std::make_unique<jose::TokenIssuer>(keys_->signing);
  else
    *issuer_ = jose::TokenIssuer(keys_->signing);
  assertions_.forget();
}

std::unique_ptr<Issuing> Worker::new_issuing(const Runtime& runtime) {
  const std::string issuer = runtime.config.tokens.issuer;
  sessions::SessionService::Parts parts{
      *stores_.sessions, *revoker_, *stores_.users, *issuer_, *codec_, {}, {}, {}, {}, {}, owed_};
  parts.clock = [this] { return unix_now(); };
  parts.random = secret_bits;
  parts.epoch = [this, issuer] {
    const auto* everything = authenticator_.index().everything(issuer);
    // Past its end a gateway that starts knows nothing of it any more, and must agree with those that run.
    if (everything == nullptr || everything->until < unix_now()) return sessions::GlobalEpoch{};
    return sessions::GlobalEpoch{everything->epoch, everything->before};
  };
  parts.revoked = [this, issuer](const std::string& session) {
    const revocation::Digest digest = revocation::digest(revocation::Kind::session, issuer, session);
    return authenticator_.index().revokes_session(digest, unix_now());
  };
  parts.audit = [this](const sessions::Audit& what) {
    audit({act_name(what.act), what.user_id, what.session_id, sessions::to_string(what.cause), {}, {}});
  };
  return std::make_unique<Issuing>(runtime, stores_, *shared_.hashing, std::move(parts));
}

// Coroutines that nobody waits for die with the loop, later than this, and may hold pools: the connections in
// them must not live as long.
Worker::~Worker() {
  join();
  for (const auto& pool : serving_->pools) pool->retire();
  for (const auto& retired : retired_)
    if (const auto pool = retired.lock()) pool->retire();
}

// Nothing runs yet: the thread begins with what this leaves.
void Worker::start(Adoption first, bool accepts) {
  accepts_ = accepts;
  adopt(std::move(first));
  thread_ = std::thread([this] { run(); });
}

// Whatever a request needs is whole before and after this call, and no request runs during it.
void Worker::adopt(Adoption next) {
  const ServingPtr before = std::exchange(serving_, ServingPtr(new Serving));
  serving_->runtime = next.runtime;
  const Runtime& runtime = *next.runtime;
  serving_->tallies.resize(runtime.routes.size());
  const config::Config& config = runtime.config;
  connection_limits_ = runtime.connection_limits;
  authenticator_.use(config.revocation.max_staleness);
  assertions_ = Assertions(config.tokens.issuer, config.tokens.claims.roles);
  if (stores_.sessions) stores_.sessions->use(config.tokens.refresh);

  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    const bool is_new = next.upstreams[i] == Adoption::kNew;
    serving_->pools.push_back(is_new ? std::make_shared<upstream::Pool>(
                                           io_.get_executor(), deadlines_, resolver_, config.upstreams[i],
                                           runtime.head_limits, runtime.upstream_tls[i])
                                     : before->pools[next.upstreams[i]]);
    serving_->pools.back()->keep_at_most(next.idle_per_server);
  }
  std::erase_if(retired_, [](const auto& pool) { return pool.expired(); });
  for (const auto& pool : before->pools) {
    if (std::find(serving_->pools.begin(), serving_->pools.end(), pool) != serving_->pools.end()) continue;
    pool->retire();
    retired_.push_back(pool);
  }

  std::vector<std::shared_ptr<Door>> doors;
  auto descriptor = next.descriptors.begin();
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const std::size_t same = next.listeners[i];
    doors.push_back(same == Adoption::kNew ? open_door(config.listeners[i], *descriptor++)
                                           : std::exchange(doors_[same], nullptr));
    doors.back()->rules = config.listeners[i];
    doors.back()->tls = next.tls[i];
  }
  doors_.swap(doors);
  for (const auto& gone : doors)
    if (gone) close_door(*gone);

  use(std::move(next.keys));
}

std::shared_ptr<Worker::Door> Worker::open_door(const config::Listener& rules, int descriptor) {
  const bool v6 = rules.address.host.find(':') != std::string::npos;
  auto door = std::make_shared<Door>(
      net::ip::tcp::acceptor(io_, v6 ? net::ip::tcp::v6() : net::ip::tcp::v4(), descriptor));
  if (accepts_) spawn(io_, accept(door), report);
  return door;
}

void Worker::begin_accepting() {
  accepts_ = true;
  for (const auto& door : doors_) spawn(io_, accept(door), report);
}

std::vector<int> Worker::listening() const {
  std::vector<int> copies;
  for (const auto& door : doors_)
    copies.push_back(::fcntl(door->acceptor.native_handle(), F_DUPFD_CLOEXEC, 0));
  return copies;
}

void Worker::close_door(Door& door) {
  door.begin_to_close(std::chrono::steady_clock::now());
  door.closes_idle = true;
  for (Client& client : *clients_)
    if (client.door.get() == &door && client.connection.idle()) client.stream.cancel();
}

void Worker::use_tls(std::size_t listener, std::shared_ptr<const TlsServer> server) {
  doors_[listener]->tls = std::move(server);
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  pthread_setname_np(pthread_self(), ("worker-" + std::to_string(index_)).c_str());
  spawn(io_, tick(), report);
  io_.run();
}

void Worker::use(std::shared_ptr<const KeySnapshot> keys) {
  const auto same_id = [](const jose::MacKey& a, const jose::MacKey& b) { return a.id == b.id; };
  const std::shared_ptr<const KeySnapshot> before = std::exchange(keys_, std::move(keys));
  if (keys_->issuers != before->issuers) authenticator_.use(keys_->issuers);
  if (!keys_->signing) return;
  if (keys_->signing != before->signing) use_signing_keys();
  if (!codec_)
    codec_ = std::make_unique<sessions::RefreshCodec>(keys_->refresh);
  else if (!std::equal(keys_->refresh.begin(), keys_->refresh.end(), before->refresh.begin(),
                       before->refresh.end(), same_id))
    *codec_ = sessions::RefreshCodec(keys_->refresh);
  if (!serving_->issuing) serving_->issuing = new_issuing(*serving_->runtime);
}

void Worker::enforce(std::shared_ptr<const revocation::RevocationSet> index) {
  const bool news = index.get() != &authenticator_.index();
  authenticator_.use(std::move(index));
  if (!news) return;
  // At once where revocations are rare; in a storm of them all that came since the last look, together.
  const SteadyTime now = std::chrono::steady_clock::now();
  streams_due_ = now - streams_checked_ < Deadlines::kTick;
  if (!streams_due_) check_streams(now);
}

void Worker::check_streams(SteadyTime now) {
  streams_due_ = false;
  streams_checked_ = now;
  streams_.recheck(authenticator_.index(), unix_now());
}

policy::Freshness Worker::freshness() const {
  const auto age = loop_now() - as_of_;
  return {ready_, std::chrono::duration_cast<std::chrono::milliseconds>(age)};
}

// Not the loop's time: a token that another worker has just issued would be one of the future by it.
UnixSeconds Worker::unix_now() const {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

Chance Worker::chance() {
  const std::array<std::uint64_t, 2> words{random_(), random_()};
  Chance bytes;
  std::memcpy(bytes.data(), words.data(), sizeof words);
  return bytes;
}

Task<> Worker::tick() {
  while (!stopping_) {
    const SteadyTime now = std::chrono::steady_clock::now();
    const UnixSeconds second = unix_now();
    if (second != dated_) {
      date_ = imf_fixdate(second);
      dated_ = second;
      for (const auto& pool : serving_->pools) pool->close_idle(now);
      streams_.tick(second);
      waiting_clients_.check();
      // Confirmations that the store didn't take are offered again, a few at a time.
      for (std::size_t i = 0; i < 100 && !unconfirmed_.empty(); ++i)
        confirm(std::move(unconfirmed_.extract(unconfirmed_.begin()).value()));
    }
    if (streams_due_) check_streams(now);
    deadlines_.tick(now);
    flush_logs();
    count_cache();
    ticker_.expires_at(now + Deadlines::kTick);
    auto [ec] = co_await ticker_.async_wait(kAwait);
    (void)ec;
  }
}

void Worker::leave(bool heir) {
  draining_ = true;
  for (const auto& door : doors_) {
    door->begin_to_close(std::chrono::steady_clock::now());
    error_code ignored;
    // An heir takes who stands in the kernel's queue, which is its queue too; an heir that never served took
    // nobody.
    if (heir || !accepts_) door->acceptor.close(ignored);
  }
  room_.cancel();
  for (Client& client : *clients_) client.door->closing = true;
  check_drained();
}

void Worker::drain() {
  for (const auto& door : doors_) door->closes_idle = true;
  for (Client& client : *clients_) {
    client.door->closes_idle = true;
    if (client.connection.idle()) client.stream.cancel();
  }
  check_drained();
}

void Worker::check_drained() {
  if (draining_ && clients_->empty() && accepting_ == 0) finish();
}

void Worker::stop() {
  draining_ = true;
  error_code ignored;
  for (const auto& door : doors_) door->acceptor.close(ignored);
  for (const auto& pool : serving_->pools) pool->close();
  for (const auto& retired : retired_)
    if (const auto pool = retired.lock()) pool->close();
  room_.cancel();
  for (Client& client : *clients_) client.connection.abort();
  check_drained();
}

void Worker::finish() {
  stopping_ = true;
  flush_logs();
  work_.reset();
  io_.stop();
}

void Worker::confirm(std::shared_ptr<const jose::Claims> claims) {
  if (!serving_->issuing || !claims->own || claims->generation == 0) return;
  spawn(io_, send_confirmation(serving_, std::move(claims)), [](std::exception_ptr error) {
    if (error) spdlog::error("confirming a session failed");
  });
}

Task<> Worker::send_confirmation(ServingPtr serving, std::shared_ptr<const jose::Claims> claims) {
  std::shared_ptr<const jose::Claims> copy = claims;
  const StoreResult<void> done = co_await serving->issuing->sessions.confirm(std::move(copy));
  if (!done && unconfirmed_.size() < kMaxUnconfirmed) unconfirmed_.insert(std::move(claims));
}

// An answer of ours counts for its endpoint; what no route and no endpoint had, together.
void Worker::tally(const RequestContext& context) {
  RouteTally* tally = nullptr;
  if (context.route != nullptr) {
    const std::vector<CompiledRoute>& routes = context.runtime().routes;
    RouteTally*& kept = context.serving->tallies[static_cast<std::size_t>(context.route - routes.data())];
    if (kept == nullptr) kept = &tallies_.of(context.route->name);
    tally = kept;
  } else {
    std::string name = "@";
    name += context.endpoint.empty() ? std::string_view("none") : context.endpoint;
    tally = &tallies_.of(name);
  }
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  tally->add(context.status, context.refusal);
  if (context.status != 101)
    tally->total.add(duration_cast<microseconds>(std::chrono::steady_clock::now() - context.began));
  if (context.upstream_answered != SteadyTime{})
    tally->upstream.add(duration_cast<microseconds>(context.upstream_answered - context.upstream_asked));
}

void Worker::log_access(const RequestContext& context, const RequestHead* head, const Exchange& exchange) {
  tally(context);
  if (context.trace.sampled) tell_spans(context, head);
  if (shared_.access == nullptr) return;
  append_access_line(
      access_lines_, context, head,
      {wall_now(), std::chrono::steady_clock::now(), exchange.bytes_in(), exchange.bytes_out()},
      context.runtime().config.log);
  ++access_count_;
  if (access_lines_.size() > kFlushBytes) flush_logs();
}

void Worker::tell_spans(const RequestContext& context, const RequestHead* head) {
  if (span_count_ > 0) spans_ += ',';
  span_count_ += append_spans(spans_, context, head,
                              {std::chrono::system_clock::now(), std::chrono::steady_clock::now()});
  if (span_count_ >= SpanSender::kHandOver) flush_spans();
}

void Worker::flush_spans() {
  if (span_count_ > 0) shared_.spans->submit(std::exchange(spans_, {}), std::exchange(span_count_, 0));
}

void Worker::audit(const AuditEntry& entry) {
  tallies_.event(entry.act);
  if (shared_.audit == nullptr) return;
  append_audit_line(audit_lines_, wall_now(), entry, serving_->runtime->config.log);
  ++audit_count_;
}

void Worker::flush_logs() {
  flush_spans();
  if (access_count_ > 0) shared_.access->submit(access_lines_, std::exchange(access_count_, 0));
  if (audit_count_ > 0) shared_.audit->submit(audit_lines_, std::exchange(audit_count_, 0));
  access_lines_.clear();
  audit_lines_.clear();
}

void Worker::count_cache() {
  const auto& now = authenticator_.cache().counters();
  shared_.token_cache_hits += now.hits - counted_.hits;
  shared_.token_cache_misses += now.misses - counted_.misses;
  counted_ = now;
}

std::string_view Worker::assertion(const std::shared_ptr<const jose::Claims>& claims,
                                   const config::Assertion& wanted) {
  // Our keys are still on their way from the store: without an assertion the upstream refuses, as it should.
  if (!issuer_) return {};
  return assertions_.line(claims, wanted, *issuer_, authenticator_.end_of(*claims), unix_now());
}

std::unique_ptr<RequestContext> Worker::take_context() {
  if (contexts_.empty()) return std::make_unique<RequestContext>();
  std::unique_ptr<RequestContext> context = std::move(contexts_.back());
  contexts_.pop_back();
  return context;
}

void Worker::give_back(std::unique_ptr<RequestContext> context) {
  context->clear();
  if (contexts_.size() < kKeepScratch) contexts_.push_back(std::move(context));
}

}  // namespace sallyport::gateway
