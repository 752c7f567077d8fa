#include "gateway/gateway.hpp"

#include <fcntl.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <filesystem>
#include <iostream>

#include "gateway/admin/admin.hpp"
#include "gateway/admin/ask.hpp"
#include "gateway/cli/cli.hpp"
#include "gateway/config_watch.hpp"
#include "gateway/follower.hpp"
#include "gateway/key_keeper.hpp"
#include "gateway/net/listen.hpp"
#include "gateway/net/tls_files.hpp"
#include "gateway/reload.hpp"
#include "gateway/span_sender.hpp"
#include "gateway/upgrade.hpp"
#include "gateway/upstream/health.hpp"
#include "gateway/user_source.hpp"
#include "gateway/webhook.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::chrono::seconds kHeirPatience{60};  // for a successor to read the revocations and its keys
// From SIGTERM until who says nothing is closed: a request that is on its way meanwhile is answered.
constexpr std::chrono::milliseconds kLastWord{500};
constexpr std::size_t kLateDescriptors = 4;  // the store's, which connects after the start

// Those of a database with the users: a connection, and what waits for it.
std::size_t late_descriptors(const config::Users& users, std::size_t workers) {
  if (users.source == "postgres") return kLateDescriptors + 2 * users.postgres.connections * workers;
  return kLateDescriptors;
}

// Every connection is a descriptor, and a proxied one is two: take what the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::size_t open_descriptors() {
  std::error_code ec;
  const std::filesystem::directory_iterator all("/proc/self/fd", ec);
  return ec ? 64 : static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void set_up_messages(const config::Log& log) {
  auto logger = spdlog::get("sallyport");
  if (!logger) logger = spdlog::stderr_logger_mt("sallyport");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  logger->set_level(spdlog::level::from_str(log.level));
  spdlog::set_default_logger(logger);
}

int fail(int code, const std::string& message) {
  std::cerr << "sallyport: " << message << std::endl;
  return code;
}

UnixSeconds unix_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

std::size_t worker_count(const config::Config& config) {
  return config.workers > 0 ? config.workers : std::max(1u, std::thread::hardware_concurrency());
}

std::unique_ptr<LogWriter> open_log(const std::string& target) {
  return target == "off" ? nullptr : std::make_unique<LogWriter>(target);
}

class Gateway {
 public:
  explicit Gateway(std::string config_path) : path_(std::move(config_path)) {}
  int run(config::Config config);

 private:
  int prepare(config::Config config);
  int listen();
  std::size_t set_connection_limits();
  void start_workers();
  void await_own_readiness();
  void begin_serving();
  void await_signal();
  void on_signal(int signal);
  void begin_drain();
  void leave(std::chrono::milliseconds silence, std::chrono::milliseconds longest, bool heir);
  void upgrade();
  Task<> hand_over();
  void leave_to_heir(pid_t heir);
  void cut_what_is_left(SteadyTime when);
  void await_upkeep();
  void watch_health(const upstream::HealthChecks* before);
  void reload(std::string_view trigger, Admin::Reloaded done);
  void adopt(Reload next, std::function<void()> done);
  void close(const ReloadOutcome& outcome, std::string_view trigger);

  net::io_context control_{1};
  std::shared_ptr<const Runtime> runtime_;
  std::vector<config::Address> addresses_;
  TlsFilesWatch tls_{control_};
  TlsServers tls_servers_;  // until the workers have them
  std::unique_ptr<stores::Backend> store_;
  std::unique_ptr<LogWriter> access_, audit_;
  std::unique_ptr<UserSource> users_;
  std::unique_ptr<users::HashingPool> hashing_;
  Shared shared_;
  Metrics metrics_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<KeyKeeper> keys_;
  std::unique_ptr<Webhook> webhook_;
  std::unique_ptr<SpanSender> spans_;
  Inheritance inheritance_;       // of the program that this one is to replace
  std::size_t worker_count_ = 1;  // as many as sockets were inherited, else as the configuration wants
  std::vector<std::unique_ptr<Worker>> workers_;
  OpenedListeners opened_;  // until the workers have them
  std::size_t own_descriptors_ = 0;
  const std::string path_;
  ConfigWatch watch_{control_, path_, [this] { reload("file change", {}); }};
  ReloadRecord reloads_;
  std::unique_ptr<Admin> admin_;
  std::shared_ptr<upstream::HealthChecks> health_;
  net::signal_set signals_{control_, SIGTERM, SIGINT};
  net::signal_set others_{control_, SIGHUP, SIGUSR1, SIGUSR2};
  net::steady_timer readiness_timer_{control_};
  bool upgrading_ = false;
  net::steady_timer drain_timer_{control_};
  bool draining_ = false;
};

int Gateway::prepare(config::Config config) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto compiled = compile(std::move(config), now);
  if (!compiled) return fail(cli::kWrongInput, compiled.error());
  runtime_ = std::move(*compiled);
  const config::Config& c = runtime_->config;
  try {
    access_ = open_log(c.log.access);
    audit_ = c.log.audit == c.log.access && access_ ? nullptr : open_log(c.log.audit);
  } catch (const std::exception& error) {
    return fail(cli::kNotThere,
                std::string(error.what()) + "; change `log` in the configuration or create its folder");
  }
  auto store = stores::open(c.store, c.tokens.refresh);
  if (!store) return fail(cli::kNotThere, store.error());
  store_ = std::move(*store);
  auto users = UserSource::open(control_, c.users);
  if (!users) return fail(cli::kWrongInput, users.error());
  users_ = std::move(*users);
  hashing_ = std::make_unique<users::HashingPool>(c.users.hashing_threads, c.users.hashing_queue);
  shared_.store = store_.get();
  shared_.users = users_.get();
  shared_.hashing = hashing_.get();
  shared_.access = access_.get();
  shared_.audit = audit_ ? audit_.get() : c.log.audit == "off" ? nullptr : access_.get();
  return cli::kFine;
}

// Probes every port before opening any: SO_REUSEPORT would let a second gateway take half of the first one's
// clients.
int Gateway::listen() {
  const config::Config& c = runtime_->config;
  auto files = tls_.load(c.listeners);
  if (!files) return fail(cli::kNotThere, files.error());
  tls_.watch(c.listeners, *files);
  tls_servers_ = std::move(files->servers);
  worker_count_ = inheritance_.empty() ? worker_count(c) : inheritance_.widest();
  if (worker_count_ != worker_count(c))
    spdlog::warn("an upgrade keeps the number of workers, {}; for {} restart", worker_count_,
                 worker_count(c));
  opened_ = OpenedListeners(worker_count_);
  for (const config::Listener& listener : c.listeners) {
    config::Address address = listener.address;
    if (const std::vector<int> there = inheritance_.take(address); !there.empty())
      opened_.put(there);
    else if (auto opened = opened_.open(address, true); !opened)
      return fail(cli::kNotThere, opened.error());
    addresses_.push_back(address);
  }
  if (c.admin) {
    admin_ =
        std::make_unique<Admin>(control_, *c.admin, runtime_, *follower_, *keys_, shared_, metrics_, reloads_,
                                [this](Admin::Reloaded done) { reload("admin", std::move(done)); });
    config::Address address = c.admin->address;
    std::optional<int> there;
    if (const std::vector<int> left = inheritance_.take(address); !left.empty()) there = left.front();
    if (auto listening = admin_->listen(there); !listening) return fail(cli::kNotThere, listening.error());
  }
  return cli::kFine;
}

// After everything of ours is open: what is left is for clients, upstreams and the store. Returns how many
// connections a worker may keep idle to one server.
std::size_t Gateway::set_connection_limits() {
  const config::Limits& limits = runtime_->config.limits;
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) descriptors.rlim_cur = 1024;
  if (own_descriptors_ == 0)
    own_descriptors_ = open_descriptors() + late_descriptors(runtime_->config.users, workers_.size());
  const std::size_t in_use = own_descriptors_;
  shared_.connection_cap = connection_cap(limits.connections, descriptors.rlim_cur, in_use);
  std::size_t servers = 0;
  for (const config::Upstream& upstream : runtime_->config.upstreams) servers += upstream.servers.size();
  shared_.by_address.use(limits.per_address);
  if (shared_.connection_cap < limits.connections)
    spdlog::warn(
        "the descriptor limit of {} allows {} client connections, not the {} of limits.connections; "
        "raise it (ulimit -n, LimitNOFILE=)",
        descriptors.rlim_cur, shared_.connection_cap.load(), limits.connections);
  return idle_cap(shared_.connection_cap, descriptors.rlim_cur, in_use) /
         std::max<std::size_t>(1, servers * workers_.size());
}

void Gateway::start_workers() {
  std::vector<Worker*> all;
  for (unsigned i = 0; i < worker_count_; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, runtime_, shared_));
    all.push_back(workers_.back().get());
  }
  Adoption first;
  first.runtime = runtime_;
  first.keys = runtime_->keys;
  first.upstreams.assign(runtime_->config.upstreams.size(), Adoption::kNew);
  first.listeners.assign(runtime_->config.listeners.size(), Adoption::kNew);
  first.tls = std::exchange(tls_servers_, {});
  first.idle_per_server = set_connection_limits();
  for (unsigned i = 0; i < workers_.size(); ++i) {
    Adoption its = first;
    its.descriptors = opened_.take(i);
    workers_[i]->start(std::move(its), inheritance_.empty());
  }
  keys_->start(all);
  follower_->follow(std::move(all));
  tls_.start([this](std::size_t listener, const std::shared_ptr<const TlsServer>& server) {
    for (auto& worker : workers_) worker->post([=](Worker& w) { w.use_tls(listener, server); });
  });
  watch_health(nullptr);
  if (admin_) {
    std::vector<Worker*> asked;
    for (const auto& worker : workers_) asked.push_back(worker.get());
    admin_->ask(std::move(asked));
  }
  if (users_) users_->start();
  for (const config::Address& address : addresses_) spdlog::info("listening on {}", to_text(address));
  if (admin_) spdlog::info("admin on {}", to_text(admin_->address()));
  if (inheritance_.empty())
    begin_serving();
  else
    await_own_readiness();
}

// The predecessor serves until we can: its clients must not meet somebody who doesn't know the revocations
// yet.
void Gateway::await_own_readiness() {
  if (draining_) return;
  if (readiness_of(shared_, *follower_, *keys_).ready) {
    for (auto& worker : workers_) worker->post([](Worker& w) { w.begin_accepting(); });
    return begin_serving();
  }
  readiness_timer_.expires_after(std::chrono::milliseconds(20));
  readiness_timer_.async_wait([this](const error_code& ec) {
    if (!ec) await_own_readiness();
  });
}

void Gateway::begin_serving() {
  if (admin_) admin_->begin();
  notify_manager("READY=1\nMAINPID=" + std::to_string(::getpid()));
  inheritance_.announce();
}

void Gateway::watch_health(const upstream::HealthChecks* before) {
  auto checks = std::make_shared<upstream::HealthChecks>(
      control_.get_executor(), runtime_->config.upstreams, runtime_->upstream_tls,
      [this](std::size_t of, std::size_t server, bool healthy) {
        for (auto& worker : workers_) worker->post([=](Worker& w) { w.checked(of, server, healthy); });
      },
      before);
  if (health_) health_->stop();
  health_ = std::move(checks);
  health_->start(health_);
}

// `done` is called once every worker serves by the new configuration, or at once when it is refused.
void Gateway::reload(std::string_view trigger, Admin::Reloaded done) {
  ReloadOutcome outcome;
  const auto end = [this, trigger = std::string(trigger), done = std::move(done)](const ReloadOutcome& how) {
    close(how, trigger);
    if (done) done(how);
  };
  if (draining_) {
    outcome.problems = {"the gateway is draining and loads nothing any more"};
    return end(outcome);
  }
  watch_.about_to_load();
  auto next = prepare_reload(path_, *runtime_, addresses_, workers_.size(), tls_, unix_now());
  if (!next) {
    outcome.problems = std::move(next.error());
    return end(outcome);
  }
  outcome.good = true;
  for (const config::Change& change : next->plan.changes) outcome.changed.push_back(change.text());
  adopt(std::move(*next), [end, outcome = std::move(outcome)] { end(outcome); });
}

// Nothing here can fail. The order matters where the workers hear of it: what is said to them after adopt()
// is said of the new configuration.
void Gateway::adopt(Reload next, std::function<void()> done) {
  const std::shared_ptr<const Runtime> before = std::exchange(runtime_, next.runtime);
  const config::Config& c = runtime_->config;
  for (std::size_t i = 0; i < addresses_.size(); ++i)
    if (std::find(next.plan.listeners.begin(), next.plan.listeners.end(), i) == next.plan.listeners.end())
      spdlog::info("no longer listening on {}", to_text(addresses_[i]));
  for (std::size_t i = 0; i < next.addresses.size(); ++i)
    if (next.plan.listeners[i] == ReloadPlan::kNew)
      spdlog::info("listening on {}", to_text(next.addresses[i]));
  addresses_ = std::move(next.addresses);
  spdlog::set_level(spdlog::level::from_str(c.log.level));
  tls_.watch(c.listeners, next.tls);
  follower_->use(c);
  webhook_->use(c.users.webhook);
  spans_->use(c.tracing);
  if (admin_) admin_->use(runtime_);

  Adoption adoption;
  adoption.runtime = runtime_;
  adoption.keys = keys_->adopt(runtime_, next.plan.changes);
  adoption.upstreams = next.plan.upstreams;
  adoption.listeners = std::move(next.plan.listeners);
  adoption.tls = std::move(next.tls.servers);
  adoption.idle_per_server = set_connection_limits();
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Adoption its = adoption;
    its.descriptors = next.opened.take(i);
    workers_[i]->post([this, its = std::move(its), left, done](Worker& worker) mutable {
      worker.adopt(std::move(its));
      if (left->fetch_sub(1) == 1) net::post(control_, std::move(done));
    });
  }
  bool same_upstreams = c.upstreams.size() == before->config.upstreams.size();
  for (std::size_t i = 0; i < next.plan.upstreams.size(); ++i)
    same_upstreams = same_upstreams && next.plan.upstreams[i] == i;
  if (!same_upstreams) watch_health(health_.get());
}

void Gateway::close(const ReloadOutcome& outcome, std::string_view trigger) {
  const std::string what = summary(outcome);
  ++(outcome.good ? reloads_.succeeded : reloads_.failed);
  reloads_.last_tried = unix_now();
  if (outcome.good) reloads_.in_force_since = reloads_.last_tried;
  reloads_.last_trigger = trigger;
  reloads_.last = outcome;
  if (outcome.good)
    spdlog::info("reload ({}): {}", trigger, what);
  else
    spdlog::error("reload ({}) refused, the configuration in force stays: {}", trigger, what);
  if (shared_.audit == nullptr) return;
  std::string line;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  append_audit_line(line, now, {outcome.good ? "reload" : "reload_refused", {}, {}, what, trigger, {}},
                    runtime_->config.log);
  shared_.audit->submit(line, 1);
}

void Gateway::await_signal() {
  signals_.async_wait([this](const error_code& ec, int signal) {
    if (!ec) on_signal(signal);
  });
}

void Gateway::on_signal(int signal) {
  if (draining_) {
    spdlog::warn("second signal: stopping now");
    for (auto& worker : workers_) worker->post([](Worker& w) { w.stop(); });
    drain_timer_.cancel();
  } else {
    begin_drain();
    spdlog::info("signal {}: draining, at most {} s", signal, runtime_->config.limits.drain.count() / 1000.0);
  }
  await_signal();
}

// SIGUSR1: the logs were rotated. SIGUSR2: the program was replaced. SIGHUP: the configuration is read again.
void Gateway::await_upkeep() {
  others_.async_wait([this](const error_code& ec, int signal) {
    if (ec) return;
    if (signal == SIGUSR1) {
      for (LogWriter* log : {access_.get(), audit_.get()})
        if (log != nullptr) log->reopen();
      spdlog::info("logs reopened");
    } else if (signal == SIGUSR2) {
      upgrade();
    } else {
      reload("SIGHUP", {});
    }
    await_upkeep();
  });
}

void Gateway::begin_drain() {
  // A successor that its predecessor ends has never been the service.
  if (inheritance_.empty()) notify_manager("STOPPING=1");
  leave(kLastWord, runtime_->config.limits.drain, false);
}

void Gateway::upgrade() {
  if (draining_ || upgrading_)
    return spdlog::error("no upgrade: {}", draining_ ? "the gateway is draining" : "one is under way");
  if (runtime_->config.store.kind == config::StoreKind::memory)
    return spdlog::error("no upgrade: the store is memory: and would not go with it; restart");
  upgrading_ = true;
  spawn(control_, hand_over(), [this](std::exception_ptr error) {
    upgrading_ = false;
    if (error) spdlog::error("the upgrade failed, this program goes on");
  });
}

Task<> Gateway::hand_over() {
  std::vector<Worker*> all;
  for (auto& worker : workers_) all.push_back(worker.get());
  std::function<std::vector<int>(Worker&)> question = [](Worker& worker) { return worker.listening(); };
  const auto said = co_await ask_all<std::vector<int>>(control_, std::move(all), std::move(question));
  std::vector<OpenDoor> doors;
  bool whole = true;
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    OpenDoor& door = doors.emplace_back(OpenDoor{addresses_[i], {}});
    for (const auto& of_worker : said) {
      const int descriptor = of_worker && i < of_worker->size() ? (*of_worker)[i] : -1;
      whole = whole && descriptor >= 0;
      door.descriptors.push_back(descriptor);
    }
  }
  if (!whole) {
    for (const auto& of_worker : said)
      for (const int descriptor : of_worker.value_or(std::vector<int>())) ::close(descriptor);
    spdlog::error("the upgrade failed, this program goes on: not every worker answered in time");
    co_return;
  }
  if (admin_) {
    const int copy = ::fcntl(admin_->descriptor(), F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) doors.push_back({admin_->address(), {copy}});
  }
  std::string program = own_program();
  spdlog::info("upgrade: starting {}", program);
  std::vector<std::string> arguments{"serve", "--config", path_};
  pid_t heir = 0;
  const std::string failure = co_await start_heir(control_, std::move(program), std::move(arguments),
                                                  std::move(doors), kHeirPatience, heir);
  if (failure.empty())
    leave_to_heir(heir);
  else
    spdlog::error("the upgrade failed, this program goes on: {}", failure);
}

// Nobody is cut for it: every answer is the last of its connection, who says nothing more is closed after the
// drain time, and what streams may go on for long.
void Gateway::leave_to_heir(pid_t heir) {
  const config::Limits& limits = runtime_->config.limits;
  watch_.stop();
  if (admin_) admin_->stop();
  leave(limits.drain, limits.drain_streams, true);
  spdlog::info("upgrade: process {} serves now; this one carries {} connections to their end, at most {} s",
               heir, shared_.connections.load(), limits.drain_streams.count() / 1000.0);
}

// Every answer is the last of its connection from now on; who stays silent for so long is closed, and at
// last everybody.
void Gateway::leave(std::chrono::milliseconds silence, std::chrono::milliseconds longest, bool heir) {
  draining_ = true;
  shared_.draining = true;
  for (auto& worker : workers_) worker->post([heir](Worker& w) { w.leave(heir); });
  const auto cut_at = std::chrono::steady_clock::now() + longest;
  drain_timer_.expires_after(std::min(silence, longest));
  drain_timer_.async_wait([this, cut_at](const error_code& ec) {
    if (ec) return;
    for (auto& worker : workers_) worker->post([](Worker& w) { w.drain(); });
    cut_what_is_left(cut_at);
  });
}

void Gateway::cut_what_is_left(SteadyTime when) {
  drain_timer_.expires_at(when);
  drain_timer_.async_wait([this](const error_code& ec) {
    if (ec) return;
    spdlog::warn("drain time is over: cutting {} connections", shared_.connections.load());
    for (auto& worker : workers_) worker->post([](Worker& w) { w.stop(); });
  });
}

int Gateway::run(config::Config config) {
  inheritance_.claim();
  watch_.about_to_load();
  if (const int code = prepare(std::move(config)); code != cli::kFine) return code;
  follower_ = std::make_unique<Follower>(control_, *store_, runtime_->config, shared_, metrics_);
  shared_.enforcer = follower_.get();
  keys_ = std::make_unique<KeyKeeper>(control_, runtime_, store_.get());
  shared_.keys = keys_.get();
  webhook_ = std::make_unique<Webhook>(control_);
  webhook_->use(runtime_->config.users.webhook);
  shared_.webhook = webhook_.get();
  spans_ = std::make_unique<SpanSender>(control_);
  spans_->use(runtime_->config.tracing);
  shared_.spans = spans_.get();
  if (const int code = listen(); code != cli::kFine) return code;
  await_signal();
  await_upkeep();
  start_workers();
  reloads_.in_force_since = unix_now();
  watch_.start();
  // The control thread runs until every worker has ended.
  std::thread waiter([this] {
    for (auto& worker : workers_) worker->join();
    net::post(control_, [this] {
      watch_.stop();
      follower_->stop();
      keys_->stop();
      webhook_->stop();
      spans_->stop();
      health_->stop();
      if (users_) users_->stop();
      tls_.stop();
      if (admin_) admin_->stop();
      signals_.cancel();
      others_.cancel();
      drain_timer_.cancel();
      readiness_timer_.cancel();
    });
  });
  control_.run();
  waiter.join();
  hashing_.reset();  // before the loops that its answers go to
  workers_.clear();
  spdlog::info("stopped");
  return cli::kFine;
}

}  // namespace

int serve(const config::Config& config, const std::string& config_path) {
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow is an error where it is written, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  raise_descriptor_limit();
  set_up_messages(config.log);
  return Gateway(config_path).run(config);
}

}  // namespace sallyport::gateway
