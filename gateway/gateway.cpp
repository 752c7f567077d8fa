#include "gateway/gateway.hpp"

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
#include "gateway/cli/cli.hpp"
#include "gateway/follower.hpp"
#include "gateway/key_keeper.hpp"
#include "gateway/net/listen.hpp"
#include "gateway/net/tls_files.hpp"
#include "gateway/upstream/health.hpp"
#include "gateway/user_source.hpp"
#include "gateway/webhook.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

constexpr int kBacklog = 4096;
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

std::unique_ptr<LogWriter> open_log(const std::string& target) {
  return target == "off" ? nullptr : std::make_unique<LogWriter>(target);
}

class Gateway {
 public:
  int run(config::Config config);

 private:
  int prepare(config::Config config);
  int listen();
  void set_connection_limits();
  void start_workers();
  void await_signal();
  void on_signal(int signal);
  void begin_drain();
  void await_upkeep();

  net::io_context control_{1};
  std::shared_ptr<const Runtime> runtime_;
  std::vector<config::Address> addresses_;
  std::unique_ptr<TlsFilesWatch> tls_;
  TlsServers tls_servers_;
  std::unique_ptr<stores::Backend> store_;
  std::unique_ptr<LogWriter> access_, audit_;
  std::unique_ptr<UserSource> users_;
  std::unique_ptr<users::HashingPool> hashing_;
  Shared shared_;
  Metrics metrics_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<KeyKeeper> keys_;
  std::unique_ptr<Webhook> webhook_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::vector<int>> descriptors_;  // by worker
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<upstream::HealthChecks> health_;
  net::signal_set signals_{control_, SIGTERM, SIGINT};
  net::signal_set others_{control_, SIGHUP, SIGUSR1};
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
  tls_ = std::make_unique<TlsFilesWatch>(control_, c.listeners);
  auto servers = tls_->load();
  if (!servers) return fail(cli::kNotThere, servers.error());
  tls_servers_ = std::move(*servers);
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  descriptors_.resize(c.workers > 0 ? c.workers : cores);
  for (const config::Listener& listener : c.listeners) {
    config::Address address = listener.address;
    if (auto free = probe_port(address); !free) return fail(cli::kNotThere, free.error());
    for (auto& of_worker : descriptors_) {
      auto opened = open_listener(address, kBacklog);
      if (!opened) return fail(cli::kNotThere, opened.error());
      of_worker.push_back(*opened);
    }
    addresses_.push_back(address);
  }
  if (c.admin) {
    admin_ = std::make_unique<Admin>(control_, *c.admin, runtime_, *follower_, *keys_, shared_, metrics_);
    if (auto listening = admin_->listen(); !listening) return fail(cli::kNotThere, listening.error());
  }
  return cli::kFine;
}

// After everything of ours is open: what is left is for clients, upstreams and the store.
void Gateway::set_connection_limits() {
  const config::Limits& limits = runtime_->config.limits;
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) descriptors.rlim_cur = 1024;
  const std::size_t in_use = open_descriptors() + late_descriptors(runtime_->config.users, workers_.size());
  shared_.connection_cap = connection_cap(limits.connections, descriptors.rlim_cur, in_use);
  std::size_t servers = 0;
  for (const config::Upstream& upstream : runtime_->config.upstreams) servers += upstream.servers.size();
  shared_.idle_per_server = idle_cap(shared_.connection_cap, descriptors.rlim_cur, in_use) /
                            std::max<std::size_t>(1, servers * workers_.size());
  shared_.by_address = std::make_unique<AddressCounts>(limits.per_address);
  if (shared_.connection_cap < limits.connections)
    spdlog::warn(
        "the descriptor limit of {} allows {} client connections, not the {} of limits.connections; "
        "raise it (ulimit -n, LimitNOFILE=)",
        descriptors.rlim_cur, shared_.connection_cap, limits.connections);
}

void Gateway::start_workers() {
  std::vector<Worker*> all;
  for (unsigned i = 0; i < descriptors_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(i, runtime_, shared_));
    all.push_back(workers_.back().get());
    for (std::size_t l = 0; l < tls_servers_.size(); ++l) all.back()->use_tls(l, tls_servers_[l]);
  }
  tls_servers_.clear();
  set_connection_limits();
  for (unsigned i = 0; i < workers_.size(); ++i) workers_[i]->start(std::move(descriptors_[i]));
  keys_->start(all);
  follower_->follow(std::move(all));
  tls_->start([this](std::size_t listener, const std::shared_ptr<const TlsServer>& server) {
    for (auto& worker : workers_) worker->post([=](Worker& w) { w.use_tls(listener, server); });
  });
  health_ = std::make_unique<upstream::HealthChecks>(
      control_.get_executor(), runtime_->config.upstreams, runtime_->upstream_tls,
      [this](std::size_t of, std::size_t server, bool healthy) {
        for (auto& worker : workers_) worker->post([=](Worker& w) { w.pool(of).checked(server, healthy); });
      });
  health_->start();
  if (users_) users_->start();
  for (const config::Address& address : addresses_) spdlog::info("listening on {}", to_text(address));
  if (admin_) spdlog::info("admin on {}", to_text(admin_->address()));
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
    spdlog::info("signal {}: draining, at most {} s", signal, runtime_->config.limits.drain.count() / 1000.0);
    begin_drain();
  }
  await_signal();
}

// SIGUSR1: the logs were rotated. SIGHUP must not end the process when a terminal closes.
void Gateway::await_upkeep() {
  others_.async_wait([this](const error_code& ec, int signal) {
    if (ec) return;
    if (signal == SIGUSR1) {
      for (LogWriter* log : {access_.get(), audit_.get()})
        if (log != nullptr) log->reopen();
      spdlog::info("logs reopened");
    } else {
      spdlog::warn(
          "SIGHUP: this version reads its configuration only at the start; restart to apply a change");
    }
    await_upkeep();
  });
}

void Gateway::begin_drain() {
  draining_ = true;
  shared_.draining = true;
  for (auto& worker : workers_) worker->post([](Worker& w) { w.drain(); });
  drain_timer_.expires_after(runtime_->config.limits.drain);
  drain_timer_.async_wait([this](const error_code& ec) {
    if (ec) return;
    spdlog::warn("drain time is over: cutting {} connections", shared_.connections.load());
    for (auto& worker : workers_) worker->post([](Worker& w) { w.stop(); });
  });
}

int Gateway::run(config::Config config) {
  if (const int code = prepare(std::move(config)); code != cli::kFine) return code;
  follower_ = std::make_unique<Follower>(control_, *store_, runtime_->config, shared_, metrics_);
  shared_.enforcer = follower_.get();
  keys_ = std::make_unique<KeyKeeper>(control_, runtime_, store_.get());
  shared_.keys = keys_.get();
  webhook_ = std::make_unique<Webhook>(control_);
  webhook_->use(runtime_->config.users.webhook);
  shared_.webhook = webhook_.get();
  if (const int code = listen(); code != cli::kFine) return code;
  await_signal();
  await_upkeep();
  start_workers();
  // The control thread runs until every worker has ended.
  std::thread waiter([this] {
    for (auto& worker : workers_) worker->join();
    net::post(control_, [this] {
      follower_->stop();
      keys_->stop();
      webhook_->stop();
      health_->stop();
      if (users_) users_->stop();
      tls_->stop();
      if (admin_) admin_->stop();
      signals_.cancel();
      others_.cancel();
      drain_timer_.cancel();
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

int serve(const config::Config& config, const std::string&) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  set_up_messages(config.log);
  return Gateway().run(config);
}

}  // namespace sallyport::gateway
