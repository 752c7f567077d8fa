#include "gateway/worker.hpp"

#include <openssl/rand.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <cstring>

#include "auth/jose/token_issuer.hpp"
#include "gateway/client.hpp"
#include "gateway/date.hpp"
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

void secret_bits(std::span<unsigned char> into) {
  if (RAND_bytes(into.data(), static_cast<int>(into.size())) != 1) throw std::runtime_error("no randomness");
}

std::string_view act_name(sessions::Audit::Act act) { return sessions::to_string(act); }

}  // namespace

Issuing::Issuing(const Runtime& runtime, stores::Stores& stores, revocation::Revoker&, Shared& shared,
                 sessions::SessionService::Parts parts)
    : users(*stores.users, *stores.attempts, *shared.hashing, runtime.config.users,
            runtime.config.auth.throttle),
      accounts(*stores.users, *stores.one_time, *stores.attempts, *shared.hashing, runtime.config.users,
               runtime.config.auth.throttle, secret_bits),
      sessions(std::move(parts), runtime.config.tokens) {}

Worker::Worker(unsigned index, std::shared_ptr<const Runtime> runtime, Shared& shared)
    : index_(index),
      runtime_(std::move(runtime)),
      shared_(shared),
      deadlines_(std::chrono::steady_clock::now()),
      small_(runtime_->head_limits.head_size + kBodyRoom, kKeepScratch),
      blocks_(kBlock, kKeepBlocks),
      scratch_(runtime_->head_limits, small_, kKeepScratch),
      keys_(runtime_->keys),
      authenticator_(keys_->issuers, runtime_->config.revocation.max_staleness, kCacheBytes),
      assertions_(runtime_->config.tokens.issuer, runtime_->config.tokens.claims.roles),
      resolver_(io_.get_executor()),
      clients_(std::make_unique<Clients>()),
      tls_(runtime_->config.listeners.size()) {
  std::uint64_t seed = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed) != 1)
    throw std::runtime_error("no randomness");
  random_.seed(seed);
  if (shared_.store != nullptr) stores_ = shared_.store->connect(io_.get_executor());
  if (shared_.users != nullptr) stores_.users = shared_.users->connect(io_.get_executor(), deadlines_);
  if (keys_->signing) begin_issuing();
  for (std::size_t i = 0; i < runtime_->config.upstreams.size(); ++i)
    pools_.push_back(std::make_unique<upstream::Pool>(io_.get_executor(), deadlines_, resolver_,
                                                      runtime_->config.upstreams[i], runtime_->head_limits,
                                                      runtime_->upstream_tls[i]));
}

void Worker::begin_issuing() {
  revoker_ = std::make_unique<WorkerRevoker>(io_.get_executor(), *stores_.log, *shared_.enforcer);
  issuer_ = std::make_unique<jose::TokenIssuer>(keys_->signing);
  codec_ = std::make_unique<sessions::RefreshCodec>(keys_->refresh);
  sessions::SessionService::Parts parts{
      *stores_.sessions, *revoker_, *stores_.users, *issuer_, *codec_, {}, {}, {}, {}};
  parts.clock = [this] { return unix_now(); };
  parts.random = secret_bits;
  parts.epoch = [this] {
    const auto* everything = authenticator_.index().everything(runtime_->config.tokens.issuer);
    // Past its end a gateway that starts knows nothing of it any more, and must agree with those that run.
    if (everything == nullptr || everything->until < unix_now()) return sessions::GlobalEpoch{};
    return sessions::GlobalEpoch{everything->epoch, everything->before};
  };
  parts.revoked = [this](const std::string& session) {
    const revocation::Digest digest =
        revocation::digest(revocation::Kind::session, runtime_->config.tokens.issuer, session);
    return authenticator_.index().revokes_session(digest, unix_now());
  };
  parts.audit = [this](const sessions::Audit& what) {
    audit({act_name(what.act), what.user_id, what.session_id, sessions::to_string(what.cause), {}, {}});
  };
  issuing_ = std::make_unique<Issuing>(*runtime_, stores_, *revoker_, shared_, std::move(parts));
}

Worker::~Worker() { join(); }

void Worker::start(std::vector<int> descriptors) {
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const bool v6 = runtime_->config.listeners[i].address.host.find(':') != std::string::npos;
    acceptors_.emplace_back(io_, v6 ? net::ip::tcp::v6() : net::ip::tcp::v4(), descriptors[i]);
  }
  for (const auto& pool : pools_) pool->keep_at_most(shared_.idle_per_server);
  thread_ = std::thread([this] { run(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  pthread_setname_np(pthread_self(), ("worker-" + std::to_string(index_)).c_str());
  const auto report = [](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      spdlog::critical("a worker's loop failed: {}", e.what());
    }
  };
  for (std::size_t i = 0; i < acceptors_.size(); ++i) net::co_spawn(io_, accept(i), report);
  net::co_spawn(io_, tick(), report);
  io_.run();
}

// Issuer and codec are replaced in place: the services hold on to them, and none of their calls outlives a
// turn of the loop.
void Worker::use(std::shared_ptr<const KeySnapshot> keys) {
  const auto same_id = [](const jose::MacKey& a, const jose::MacKey& b) { return a.id == b.id; };
  if (keys->issuers != keys_->issuers) authenticator_.use(keys->issuers);
  if (issuer_ && keys->signing != keys_->signing) {
    *issuer_ = jose::TokenIssuer(keys->signing);
    assertions_.forget();
  }
  if (codec_ && !std::equal(keys->refresh.begin(), keys->refresh.end(), keys_->refresh.begin(),
                            keys_->refresh.end(), same_id))
    *codec_ = sessions::RefreshCodec(keys->refresh);
  keys_ = std::move(keys);
  if (!issuing_ && keys_->signing) begin_issuing();
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
  const auto age = std::chrono::steady_clock::now() - as_of_;
  return {ready_, std::chrono::duration_cast<std::chrono::milliseconds>(age)};
}

UnixSeconds Worker::unix_now() const {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::array<std::uint8_t, 16> Worker::chance() {
  const std::array<std::uint64_t, 2> words{random_(), random_()};
  std::array<std::uint8_t, 16> bytes;
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
      for (const auto& pool : pools_) pool->close_idle(now);
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

void Worker::drain() {
  draining_ = true;
  error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
  room_.cancel();
  for (Client& client : *clients_)
    if (client.connection.idle()) client.stream.cancel();
  check_drained();
}

void Worker::check_drained() {
  if (draining_ && clients_->empty()) finish();
}

void Worker::stop() {
  draining_ = true;
  error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
  for (const auto& pool : pools_) pool->close();
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
  if (!issuing_ || !claims->own || claims->generation == 0) return;
  net::co_spawn(io_, send_confirmation(std::move(claims)), [](std::exception_ptr error) {
    if (error) spdlog::error("confirming a session failed");
  });
}

Task<> Worker::send_confirmation(std::shared_ptr<const jose::Claims> claims) {
  std::shared_ptr<const jose::Claims> copy = claims;
  const StoreResult<void> done = co_await issuing_->sessions.confirm(std::move(copy));
  if (!done && unconfirmed_.size() < kMaxUnconfirmed) unconfirmed_.insert(std::move(claims));
}

void Worker::log_access(const RequestContext& context, const RequestHead* head, const Exchange& exchange) {
  if (shared_.access == nullptr) return;
  append_access_line(
      access_lines_, context, head,
      {wall_now(), std::chrono::steady_clock::now(), exchange.bytes_in(), exchange.bytes_out()},
      runtime_->config.log.claims);
  ++access_count_;
  if (access_lines_.size() > kFlushBytes) flush_logs();
}

void Worker::audit(const AuditEntry& entry) {
  if (shared_.audit == nullptr) return;
  append_audit_line(audit_lines_, wall_now(), entry);
  ++audit_count_;
}

void Worker::flush_logs() {
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
