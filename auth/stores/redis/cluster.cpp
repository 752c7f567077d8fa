#include "auth/stores/redis/cluster.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>
#include <random>

#include "auth/stores/redis/ask.hpp"
#include "auth/stores/redis/errors.hpp"

namespace sallyport::stores::redis {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = StoreError::Kind;
using Replies = StoreResult<std::vector<Reply>>;
using Millis = std::chrono::milliseconds;

constexpr int kMostHops = 5;          // a Cluster that is well needs one
constexpr Millis kRefreshPause{200};  // between two questions for the map
constexpr Millis kFirstPause{5};      // while a slot is between two nodes; then doubled
constexpr Millis kLongestPause{40};

}  // namespace

struct Cluster::State : std::enable_shared_from_this<State> {
  State(net::any_io_executor ex, std::vector<Endpoint> some, Connection::Settings s)
      : executor(std::move(ex)), seeds(std::move(some)), settings(std::move(s)) {}

  static Task<Replies> carry(std::shared_ptr<State> self, Piece piece);
  static Task<> refresh(std::shared_ptr<State> self);
  static Task<> until_refreshed(std::shared_ptr<State> self, Clock::time_point end);

  void stop();
  void refresh_soon();
  void start_refresh();
  std::shared_ptr<Connection> connection(const Endpoint& node);
  std::vector<Endpoint> nodes_to_ask();
  void adopt(SlotMap fresh);
  Task<Replies> attempt(Endpoint node, const Piece& piece, Clock::time_point end);
  StoreError given_up() const {
    return make_error(Kind::unreachable, settings.login.store, "the connection was given up");
  }

  net::any_io_executor executor;
  std::vector<Endpoint> seeds;
  Connection::Settings settings;
  bool stopped = false;

  SlotMap map;
  StoreError no_map{};  // why there is none
  std::map<std::string, std::shared_ptr<Connection>> connections;

  bool refreshing = false;
  Clock::time_point last_refresh{};
  std::vector<std::shared_ptr<net::steady_timer>> waiters;  // for the refresh that runs
  std::minstd_rand chance{std::random_device{}()};          // spreads a fleet's questions: needs no secrecy
};

Task<StoreResult<SlotMap>> read_map(net::any_io_executor executor, std::vector<Endpoint> nodes,
                                    Connection::Settings settings) {
  std::string why;
  for (const Endpoint& node : nodes) {
    std::vector<std::string> question{encode({"CLUSTER", "SLOTS"})};
    net::any_io_executor here = executor;
    Endpoint server = node;
    Connection::Settings its = settings;
    auto replies = co_await ask(std::move(here), std::move(server), std::move(its), std::move(question));
    std::string flaw;
    if (replies) {
      auto map = SlotMap::read(replies->front(), node);
      if (map) co_return std::move(*map);
      flaw = node.name() + ": " + map.error();
    } else {
      flaw = replies.error().detail.substr(settings.login.store.size());
    }
    why += (why.empty() ? "" : "; ") + flaw;
  }
  co_return make_error(Kind::unreachable, settings.login.store, "no node tells who owns which slot: " + why);
}

void Cluster::State::stop() {
  stopped = true;
  for (const auto& [name, connection] : connections) connection->close();
  for (const auto& waiter : waiters) waiter->cancel();
}

std::shared_ptr<Connection> Cluster::State::connection(const Endpoint& node) {
  auto& found = connections[node.name()];
  if (!found) {
    Connection::Settings its = settings;
    its.login.store += " (" + node.name() + ")";
    // A replica sends us to its master by itself.
    its.login.role = Role::any;
    found = std::make_shared<Connection>(executor, std::make_shared<SingleServer>(node), std::move(its));
  }
  return found;
}

// The masters that we know, in any order, then the nodes of the configuration.
std::vector<Endpoint> Cluster::State::nodes_to_ask() {
  std::vector<Endpoint> nodes = map.masters();
  std::shuffle(nodes.begin(), nodes.end(), chance);
  for (const Endpoint& seed : seeds)
    if (std::find(nodes.begin(), nodes.end(), seed) == nodes.end()) nodes.push_back(seed);
  return nodes;
}

void Cluster::State::adopt(SlotMap fresh) {
  map = std::move(fresh);
  std::erase_if(connections, [this](const auto& entry) {
    return std::none_of(map.masters().begin(), map.masters().end(),
                        [&entry](const Endpoint& master) { return master.name() == entry.first; });
  });
}

Task<> Cluster::State::refresh(std::shared_ptr<State> self) {
  Connection::Settings its = self->settings;
  its.timeout = std::max(Millis{100}, self->settings.attempt / 4);
  std::vector<Endpoint> nodes = self->nodes_to_ask();
  net::any_io_executor executor = self->executor;
  auto fresh = co_await read_map(std::move(executor), std::move(nodes), std::move(its));
  if (self->stopped) co_return;
  if (fresh)
    self->adopt(std::move(*fresh));
  else
    self->no_map = fresh.error();
}

void Cluster::State::start_refresh() {
  refreshing = true;
  last_refresh = Clock::now();
  auto work = refresh(shared_from_this());
  spawn(executor, std::move(work), [self = shared_from_this()](std::exception_ptr failure) {
    if (failure) spdlog::error("{}: out of memory", self->settings.login.store);
    self->refreshing = false;
    for (const auto& waiter : self->waiters) waiter->cancel();
  });
}

void Cluster::State::refresh_soon() {
  if (!stopped && !refreshing && Clock::now() - last_refresh > kRefreshPause) start_refresh();
}

Task<> Cluster::State::until_refreshed(std::shared_ptr<State> self, Clock::time_point end) {
  if (!self->refreshing) self->start_refresh();
  auto timer = std::make_shared<net::steady_timer>(self->executor, end);
  self->waiters.push_back(timer);
  auto [ec] = co_await timer->async_wait(kAwait);
  static_cast<void>(ec);  // refreshed, or out of time
  std::erase(self->waiters, timer);
}

Task<Replies> Cluster::State::attempt(Endpoint node, const Piece& piece, Clock::time_point end) {
  const auto left = std::chrono::duration_cast<Millis>(end - Clock::now());
  Piece now = piece;
  now.more_patience = piece.more_patience + std::max(left, Millis{1}) - settings.timeout;
  const auto over = connection(node);  // kept while we wait, though the map may drop it
  co_return co_await send(*over, now);
}

Task<Replies> Cluster::State::carry(std::shared_ptr<State> self, Piece piece) {
  State& s = *self;
  const unsigned slot = slot_of(piece.key);
  const auto end = Clock::now() + s.settings.timeout;
  Millis pause = kFirstPause;
  for (int hop = 0; hop < kMostHops;) {
    if (s.map.owner(slot) == nullptr) {
      co_await until_refreshed(self, end);
      if (s.stopped) co_return s.given_up();
    }
    const Endpoint* owner = s.map.owner(slot);
    if (owner == nullptr && s.map.empty() && !s.no_map.detail.empty()) co_return s.no_map;
    if (owner == nullptr)
      co_return make_error(
          Kind::unreachable, s.settings.login.store,
          s.map.empty() ? std::string("no connection in time") : "nobody owns slot " + std::to_string(slot));
    Endpoint node = *owner;
    Endpoint asked = node;
    auto replies = co_await s.attempt(std::move(asked), piece, end);
    if (s.stopped) co_return s.given_up();
    if (!replies) {
      s.refresh_soon();
      co_return replies;
    }
    Redirection next = redirection_of(*replies, node);
    if (next.kind == Redirection::Kind::none) {
      for (const Reply& reply : *replies)
        if (reply.is_error() && is_about_the_map(reply.text)) s.refresh_soon();
      co_return replies;
    }
    if (next.kind == Redirection::Kind::moved) {
      s.map.moved(next.slot, next.to);
      s.refresh_soon();
      ++hop;
      continue;
    }
    if (next.kind == Redirection::Kind::ask) {
      Piece asking{.key = piece.key, .durable = piece.durable, .more_patience = piece.more_patience};
      for (const std::string& command : piece.commands) {
        asking.commands.push_back(encode({"ASKING"}));
        asking.commands.push_back(command);
      }
      Endpoint there = next.to;
      auto second = co_await s.attempt(std::move(there), asking, end);
      if (s.stopped) co_return s.given_up();
      if (!second) co_return second;
      auto both = merged(std::move(*replies), std::move(*second));
      if (redirection_of(both, next.to).kind == Redirection::Kind::none) co_return both;
      ++hop;
    }
    // The slot is between two nodes.
    if (Clock::now() + pause >= end)
      co_return make_error(Kind::refused, s.settings.login.store,
                           "slot " + std::to_string(slot) + " is being moved to another node");
    net::steady_timer timer(s.executor, pause);
    auto [ec] = co_await timer.async_wait(kAwait);
    if (ec || s.stopped) co_return s.given_up();
    pause = std::min(2 * pause, kLongestPause);
  }
  co_return make_error(Kind::refused, s.settings.login.store,
                       "its nodes don't agree who owns slot " + std::to_string(slot));
}

Cluster::Cluster(net::any_io_executor executor, std::vector<Endpoint> seeds, Connection::Settings settings)
    : state_(std::make_shared<State>(std::move(executor), std::move(seeds), std::move(settings))) {}

Cluster::~Cluster() { state_->stop(); }

Task<Replies> Cluster::execute(Piece piece) { return State::carry(state_, std::move(piece)); }

}  // namespace sallyport::stores::redis
