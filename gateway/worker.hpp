// One thread's world: its event loop, its clients, its upstream connections, its view of keys and
// revocations. Nothing in it is shared; other threads reach it through post() alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <atomic>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "auth/policy/authenticator.hpp"
#include "auth/stores/stores.hpp"
#include "auth/users/hashing_pool.hpp"
#include "gateway/assertions.hpp"
#include "gateway/cookie_session.hpp"
#include "gateway/http1/server_connection.hpp"
#include "gateway/net/admission.hpp"
#include "gateway/net/buffers.hpp"
#include "gateway/net/deadlines.hpp"
#include "gateway/net/peer_watch.hpp"
#include "gateway/net/tls_files.hpp"
#include "gateway/observe/access_log.hpp"
#include "gateway/observe/log_writer.hpp"
#include "gateway/request_context.hpp"
#include "gateway/revoker.hpp"
#include "gateway/runtime.hpp"
#include "gateway/serving.hpp"
#include "gateway/streams.hpp"

namespace sallyport::gateway {

class KeyKeeper;
class SpanSender;
class UserSource;
class Webhook;

// What all workers of the process share: thread-safe or immutable, outlives them.
struct Shared {
  stores::Backend* store = nullptr;  // null: no tokens of our own and no revocations
  UserSource* users = nullptr;       // null: users are in the store
  users::HashingPool* hashing = nullptr;
  LogWriter* access = nullptr;  // null: off
  LogWriter* audit = nullptr;
  Enforcer* enforcer = nullptr;             // puts revocations in force in all workers
  KeyKeeper* keys = nullptr;                // looks for keys that a worker doesn't know
  Webhook* webhook = nullptr;               // tells what is to be mailed
  SpanSender* spans = nullptr;              // tells a collector of sampled requests
  std::atomic<std::size_t> connections{0};  // of clients; one that is being accepted counts
  std::atomic<std::size_t> connection_cap{10'000};
  AddressCounts by_address{0};
  std::atomic<bool> ready{false};  // the revocation log was read whole
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> token_cache_hits{0};  // of all workers, as of their last tick
  std::atomic<std::uint64_t> token_cache_misses{0};
};

// What a reload brings to a worker.
struct Adoption {
  static constexpr std::size_t kNew = static_cast<std::size_t>(-1);

  std::shared_ptr<const Runtime> runtime;
  std::shared_ptr<const KeySnapshot> keys;
  std::vector<std::size_t>
      upstreams;  // by upstream: which one of the runtime before it is, unchanged; or kNew
  std::vector<std::size_t> listeners;  // by listener: which one before had its address; or kNew
  std::vector<int> descriptors;        // this worker's listening sockets of the new ones, in order; owned
  TlsServers tls;                      // by listener
  std::size_t idle_per_server = 0;     // connections that a worker keeps idle to one server
};

class Worker {
 public:
  Worker(unsigned index, const std::shared_ptr<const Runtime>& runtime, Shared& shared);
  ~Worker();

  // `first`: what it begins with, all of it new. Starts the thread. Not `accepts`: clients wait in the
  // kernel's queue until begin_accepting().
  void start(Adoption first, bool accepts);
  void join();

  // The mailbox: `act(worker)` runs on the worker's thread, in order. Any thread.
  template <typename Act>
  void post(Act act) {
    net::post(io_, [this, act = std::move(act)]() mutable { act(*this); });
  }

  // On the worker's thread:
  void enforce(std::shared_ptr<const revocation::RevocationSet> index);
  void refresh(bool ready, SteadyTime as_of) {
    ready_ = ready;
    as_of_ = as_of;
  }
  void use(std::shared_ptr<const KeySnapshot> keys);
  void use_tls(std::size_t listener, std::shared_ptr<const TlsServer> server);
  // After a reload. What runs goes on under what it began with; a listener that is no longer there ends its
  // connections as they become idle.
  void adopt(Adoption next);
  void begin_accepting();
  std::vector<int> listening() const;  // copies of its listening sockets' descriptors, by listener
  // Every answer is its connection's last from now on, nobody is cut. Who stands in the kernel's queue comes
  // in still, unless another process accepts there now.
  void leave(bool heir);
  void drain();  // and what is idle is closed; after leave()
  void stop();   // now

  // What a request that begins now is served by. Who waits for anything holds on to what it began with.
  const ServingPtr& serving() const { return serving_; }
  std::shared_ptr<const KeySnapshot> keys() const { return keys_; }  // to hold across a co_await
  KeyKeeper* key_keeper() { return shared_.keys; }
  std::size_t& key_waits() { return key_waits_; }  // requests that wait for a key (await_key.hpp)
  RefreshFlights& refresh_flights() { return refresh_flights_; }
  policy::Authenticator& authenticator() { return authenticator_; }
  policy::Freshness freshness() const;
  void checked(std::size_t upstream, std::size_t server, bool healthy) {
    serving_->pools[upstream]->checked(server, healthy);
  }
  BufferPool& blocks() { return blocks_; }
  OpenStreams& streams() { return streams_; }
  PeerWatches& waiting_clients() { return waiting_clients_; }
  stores::Stores& stores() { return stores_; }
  Webhook* webhook() { return shared_.webhook; }
  revocation::Revoker& revoker() { return *revoker_; }  // where this gateway issues tokens
  const RequestTallies& tallies() const { return tallies_; }
  Deadlines& deadlines() { return deadlines_; }
  std::string_view date() const { return date_; }
  UnixSeconds unix_now() const;
  net::any_io_executor executor() { return io_.get_executor(); }
  Chance chance();  // for ids of requests and traces: unique, not secret
  bool draining() const { return draining_; }

  // A verified own token has shown that its client holds this generation: told to the store, in the
  // background.
  void confirm(std::shared_ptr<const jose::Claims> claims);
  // The X-Auth-Assertion line that says to an upstream whose claims these are.
  std::string_view assertion(const std::shared_ptr<const jose::Claims>& claims,
                             const config::Assertion& wanted);
  // The end of a request: counted, and told to the collector and the access log where they are on.
  void log_access(const RequestContext& context, const RequestHead* head, const Exchange& exchange);
  void audit(const AuditEntry& entry);
  std::unique_ptr<RequestContext> take_context();
  void give_back(std::unique_ptr<RequestContext> context);

 private:
  struct Client;
  struct Door;
  void use_signing_keys();
  std::unique_ptr<Issuing> new_issuing(const Runtime& runtime);
  std::shared_ptr<Door> open_door(const config::Listener& rules, int descriptor);
  void close_door(Door& door);
  void run();
  Task<> accept(std::shared_ptr<Door> door);
  Task<> wait_for_room(int listening);
  void shed_idle();
  Task<> serve(Socket socket, IpAddress address, std::shared_ptr<Door> door);
  Task<bool> begin(Stream& stream, IpAddress& address, const Door& door);
  bool may_complain();  // a warning that strangers can cause: once a second
  Task<> tick();
  Task<> send_confirmation(ServingPtr serving, std::shared_ptr<const jose::Claims> claims);
  void tally(const RequestContext& context);
  void tell_spans(const RequestContext& context, const RequestHead* head);
  void flush_spans();
  void flush_logs();
  void check_streams(SteadyTime now);  // ends those whose token is revoked
  void count_cache();
  void check_drained();
  void finish();

  const unsigned index_;
  Shared& shared_;
  net::io_context io_{1};
  net::executor_work_guard<net::io_context::executor_type> work_{io_.get_executor()};
  Deadlines deadlines_;
  http1::ConnectionLimits connection_limits_;
  BufferPool small_;   // heads, with room behind them for the first body bytes
  BufferPool blocks_;  // bodies
  http1::ScratchPool scratch_;
  std::vector<std::unique_ptr<RequestContext>> contexts_;
  std::shared_ptr<const KeySnapshot> keys_;
  policy::Authenticator authenticator_;
  std::size_t key_waits_ = 0;
  RefreshFlights refresh_flights_;
  OpenStreams streams_;
  SteadyTime streams_checked_{};
  bool streams_due_ = false;  // the index is newer than the last look
  PeerWatches waiting_clients_;
  bool ready_ = false;  // the revocation log was read whole
  SteadyTime as_of_{};
  stores::Stores stores_;
  std::unique_ptr<revocation::Revoker> revoker_;
  std::unique_ptr<jose::TokenIssuer> issuer_;
  Assertions assertions_;
  std::unique_ptr<sessions::RefreshCodec> codec_;
  std::shared_ptr<std::vector<revocation::Event>> owed_;  // see SessionService::Parts
  upstream::Resolver resolver_;
  ServingPtr serving_;
  std::vector<std::weak_ptr<upstream::Pool>> retired_;  // pools that only older requests use
  std::vector<std::shared_ptr<Door>> doors_;            // by listener
  using Clients = boost::intrusive::list<Client, boost::intrusive::constant_time_size<false>>;
  std::unique_ptr<Clients> clients_;
  net::steady_timer room_{io_};  // who waits for a free place among the connections
  SteadyTime complained_{};
  std::set<std::shared_ptr<const jose::Claims>> unconfirmed_;  // whose confirmation the store didn't take
  net::steady_timer ticker_{io_};
  RequestTallies tallies_;
  std::string date_;
  UnixSeconds dated_{};
  std::string access_lines_, audit_lines_;
  std::uint64_t access_count_ = 0, audit_count_ = 0;
  std::string spans_;
  unsigned span_count_ = 0;
  policy::VerifiedCache::Counters counted_;  // what Shared was told of the cache
  std::mt19937_64 random_;
  bool accepts_ = true;
  unsigned accepting_ = 0;  // accept() that run
  bool draining_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sallyport::gateway
