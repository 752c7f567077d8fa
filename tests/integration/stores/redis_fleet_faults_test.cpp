// Fleets of Redis that misbehave: certificates that aren't good, Sentinels that are gone, replicas that don't
// follow, slots that move. Each is the right answer or a StoreError that names the cause.
#include <gtest/gtest.h>

#include "auth/stores/redis/keys.hpp"
#include "auth/stores/redis/slots.hpp"
#include "config/urls.hpp"
#include "tests/integration/stores/worlds.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_sentinels.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;
using Kind = StoreError::Kind;
using sessions::Found;
using sessions::Session;
using sessions::SessionId;

config::Store store_at(const std::string& url) {
  auto place = config::parse_store(url, "/");
  if (!place) throw std::runtime_error(place.error().text);
  config::Store store;
  static_cast<config::StorePlace&>(store) = std::move(*place);
  store.timeout = 2s;
  store.connect_timeout = 5s;
  store.wait_timeout = 300ms;
  return store;
}

SessionId session_id(unsigned number) {
  SessionId id;
  const auto tag = sessions::user_tag("user" + std::to_string(number));
  std::copy(tag.begin(), tag.end(), id.bytes.begin());
  id.bytes[8] = static_cast<unsigned char>(number);
  return id;
}

std::string key_of(unsigned number) { return stores::redis::Keys("sallyport:").session(session_id(number)); }

// A gateway's view of a store, with short words for a few calls.
class View {
 public:
  explicit View(const config::Store& store) {
    auto opened = stores::open(store, {});
    if (!opened) throw std::runtime_error(opened.error());
    gateway_ = std::make_unique<Gateway>(std::shared_ptr<stores::Backend>(std::move(*opened)));
  }

  StoreResult<Found> load(unsigned number) {
    return (*gateway_)(gateway_->stores.sessions->load(session_id(number)));
  }
  StoreResult<sessions::Created> create(unsigned number) {
    Session session;
    session.id = session_id(number);
    session.user_id = "user" + std::to_string(number);
    return (*gateway_)(gateway_->stores.sessions->create(session, 0, config::WhenFull::refuse));
  }
  StoreResult<unsigned> count_attempt() {
    return (*gateway_)(gateway_->stores.attempts->add("somebody", 1h));
  }
  stores::Backend::Health probe() {
    return (*gateway_)(gateway_->backend->probe(gateway_->context.get_executor()));
  }
  // What is said when it can't be reached.
  std::string complaint() {
    const auto found = load(1);
    return found ? "no complaint" : found.error().detail;
  }

 private:
  std::unique_ptr<Gateway> gateway_;
};

bool says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

class RedisTlsFaults : public ::testing::Test {
 protected:
  RedisTlsFaults() {
    files_.write("ca.pem", authority_.pem());
    files_.write("other.pem", TestAuthority("Another Authority").pem());
    const PemPair server = authority_.issue({"redis.test", "IP:127.0.0.1"});
    files_.write("server.pem", server.certificate);
    files_.write("server.key", server.key);
    const PemPair client = authority_.issue({"gateway.test"});
    files_.write("client.pem", client.certificate);
    files_.write("client.key", client.key);
  }
  RedisServer start(bool asks_clients) {
    return RedisServer({.tls = RedisTls{files_ / "server.pem", files_ / "server.key",
                                        asks_clients ? files_ / "ca.pem" : ""}});
  }
  static config::Store store_of(const RedisServer& server, const std::string& host = "127.0.0.1") {
    return store_at("rediss://" + host + ":" + std::to_string(server.tls_port()));
  }

  TestAuthority authority_;
  TempDir files_;
};

TEST_F(RedisTlsFaults, OnlyACertificateOfOurAuthorityAndOfTheRightNameIsTaken) {
  RedisServer server = start(false);
  auto store = store_of(server);
  EXPECT_TRUE(says(View(store).complaint(), "its certificate isn't good")) << "the system doesn't know it";
  store.tls_rules.ca = files_ / "other.pem";
  EXPECT_TRUE(says(View(store).complaint(), "its certificate isn't good"));
  store.tls_rules.ca = files_ / "ca.pem";
  EXPECT_EQ(View(store).complaint(), "no complaint") << "the address stands in the certificate";
  store.tls_rules.server_name = "redis.test";
  EXPECT_EQ(View(store).complaint(), "no complaint");
  store.tls_rules.server_name = "elsewhere.test";
  EXPECT_TRUE(says(View(store).complaint(), "mismatch")) << View(store).complaint();
  auto named = store_of(server, "localhost");
  named.tls_rules.ca = files_ / "ca.pem";
  EXPECT_TRUE(says(View(named).complaint(), "mismatch")) << "localhost isn't in the certificate";
}

TEST_F(RedisTlsFaults, AClientCertificateIsShownWhereItIsAskedFor) {
  RedisServer server = start(true);
  auto store = store_of(server);
  store.tls_rules.ca = files_ / "ca.pem";
  EXPECT_NE(View(store).complaint(), "no complaint");
  store.tls_rules.certificate = files_ / "client.pem";
  store.tls_rules.key = files_ / "client.key";
  EXPECT_EQ(View(store).complaint(), "no complaint");
  EXPECT_TRUE(View(store).probe().ok);
}

TEST_F(RedisTlsFaults, PlainAndTlsThatMeetAreAnErrorInTime) {
  RedisServer server = start(false);
  EXPECT_NE(View(store_at("redis://127.0.0.1:" + std::to_string(server.tls_port()))).complaint(),
            "no complaint");
  auto store = store_at("rediss://127.0.0.1:" + std::to_string(server.port()));
  store.tls_rules.ca = files_ / "ca.pem";
  EXPECT_NE(View(store).complaint(), "no complaint");
}

TEST_F(RedisTlsFaults, FilesThatCannotBeReadAreNamedBeforeTheStart) {
  const auto refusal = [this](const char* ca, const char* certificate, const char* key) {
    auto store = store_at("rediss://127.0.0.1:1");
    store.tls_rules.ca = files_ / ca;
    store.tls_rules.certificate = files_ / certificate;
    store.tls_rules.key = files_ / key;
    const auto opened = stores::open(store, {});
    return opened ? std::string() : opened.error();
  };
  EXPECT_EQ(refusal("ca.pem", "client.pem", "client.key"), "");
  EXPECT_TRUE(says(refusal("nope.pem", "client.pem", "client.key"), "store.tls.ca: cannot read"));
  EXPECT_TRUE(says(refusal("ca.pem", "nope.pem", "client.key"), "store.tls.certificate: cannot read"));
  EXPECT_TRUE(says(refusal("ca.pem", "client.pem", "nope.key"), "store.tls.key: cannot read"));
  EXPECT_TRUE(says(refusal("ca.pem", "client.pem", "server.key"), "store.tls.key: "));
}

TEST(RedisSentinelFaults, SomeThatAreGoneDontMatterAndAllAreNamed) {
  RedisSentinels redis({.sentinel_password = "watch-word"});
  auto store = store_at(redis.url());
  EXPECT_TRUE(says(View(store).complaint(), "NOAUTH")) << View(store).complaint();
  store.sentinels.password = config::Secret("wrong-word");
  EXPECT_TRUE(says(View(store).complaint(), "WRONGPASS"));
  EXPECT_FALSE(says(View(store).complaint(), "wrong-word"));
  store.sentinels.password = config::Secret("watch-word");
  View view(store);
  EXPECT_EQ(view.complaint(), "no complaint");
  EXPECT_TRUE(view.probe().ok) << view.probe().message;
  auto misspelt = store;
  misspelt.master = "mymasta";
  EXPECT_TRUE(says(View(misspelt).complaint(), "it watches no master named mymasta"));

  redis.kill_sentinel(0);
  redis.kill_sentinel(1);
  EXPECT_EQ(View(store).complaint(), "no complaint");
  redis.kill_sentinel(2);
  const std::string complaint = View(store).complaint();
  for (const auto port : redis.sentinel_ports())
    EXPECT_TRUE(says(complaint, "127.0.0.1:" + std::to_string(port))) << complaint;
  EXPECT_EQ(view.complaint(), "no complaint") << "the connection to the master stands";
}

TEST(RedisSentinelFaults, AReplicaThatMayEvictMakesTheFleetUnfit) {
  RedisSentinels redis;
  View view(store_at(redis.url()));
  const std::size_t replica = 1 - redis.master();
  redis.server(replica).command({"CONFIG", "SET", "maxmemory-policy", "volatile-lru"});
  auto health = view.probe();
  EXPECT_TRUE(health.ok);
  EXPECT_EQ(health.warnings.size(), 1u);
  redis.server(replica).command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  health = view.probe();
  EXPECT_FALSE(health.ok);
  EXPECT_TRUE(says(health.message, std::to_string(redis.server(replica).port()))) << health.message;
}

TEST(RedisReplicas, ThatAreMissingMakeTheOutcomeOfWritesUnknownAndLeaveTheRestAlone) {
  RedisServer server;
  auto store = store_at(server.url());
  store.wait_replicas = 1;
  View view(store);
  const auto created = view.create(1);
  ASSERT_FALSE(created);
  EXPECT_TRUE(created.error().outcome_unknown());
  EXPECT_TRUE(says(created.error().detail, "written, but 0 of 1 replicas have it")) << created.error().detail;
  const auto found = view.load(1);
  ASSERT_FALSE(found) << "what a repeated call would act upon isn't safe either";
  EXPECT_TRUE(found.error().outcome_unknown());
  EXPECT_EQ(*view.count_attempt(), 1u) << "nobody waits for replicas of this";

  RedisServer replica({.extra = {"--replicaof", "127.0.0.1 " + std::to_string(server.port())}});
  ASSERT_TRUE(replica.wait_for_info("master_link_status", "up"));
  // Its first acknowledgement of a write: from then on it answers whoever waits.
  server.command({"SET", "probe", "1"});
  ASSERT_TRUE(poll_until([&] {
    return server.info("slave0").find("offset=" + server.info("master_repl_offset")) != std::string::npos;
  }));
  ASSERT_TRUE(view.create(2));
  EXPECT_TRUE(view.load(2)->session);
  EXPECT_TRUE(view.load(1)->session) << "it was written";
  EXPECT_EQ(replica.command({"EXISTS", key_of(2)}).text, "1") << "before the call returned";

  replica.pause();
  EXPECT_TRUE(view.create(3).error().outcome_unknown());
  EXPECT_EQ(*view.count_attempt(), 2u);
  replica.resume();
  EXPECT_TRUE(poll_until([&] { return view.load(3).has_value(); }));
}

TEST(RedisReplicas, ThatTheServerItselfMissesAreARefusalAndNothingIsWritten) {
  RedisServer server({.extra = {"--min-replicas-to-write", "1"}});
  View view(store_at(server.url()));
  const auto created = view.create(1);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, Kind::refused);
  EXPECT_TRUE(says(created.error().detail, "NOREPLICAS")) << created.error().detail;
  EXPECT_FALSE(view.load(1)->session);
}

TEST(RedisClusterFaults, SlotsThatMoveAreFollowedAndBetweenTwoNodesWaitedFor) {
  RedisCluster redis({.replicas = 0});
  auto store = store_at(redis.url());
  store.timeout = 200ms;
  View view(store);
  ASSERT_TRUE(view.create(1));
  const unsigned slot = stores::redis::slot_of(key_of(1));
  const std::size_t to = (redis.owner_of(slot) + 1) % 3;
  redis.move_slot(slot, to, [&] {
    // Reads find each key where it is; a script whose keys lie apart, or aren't there at all, is refused.
    EXPECT_TRUE(view.load(1)->session);
    EXPECT_FALSE(view.load(1)->session->id != session_id(1));
    const auto another = view.create(1);
    ASSERT_FALSE(another);
    EXPECT_EQ(another.error().kind, Kind::refused);
    EXPECT_TRUE(says(another.error().detail, "is being moved") ||
                says(another.error().detail, "exists already"))
        << another.error().detail;
  });
  EXPECT_EQ(redis.owner_of(slot), to);
  EXPECT_TRUE(view.load(1)->session);
  EXPECT_TRUE(View(store).load(1)->session);
}

TEST(RedisClusterFaults, AreNamedByTheProbeWithTheWayOut) {
  RedisCluster redis({.replicas = 0});
  View view(store_at(redis.url()));
  EXPECT_TRUE(view.probe().ok) << view.probe().message;
  redis.node(2).command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"});
  auto health = view.probe();
  EXPECT_FALSE(health.ok);
  EXPECT_TRUE(says(health.message, std::to_string(redis.node(2).port()))) << health.message;
  redis.node(2).command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});

  const std::string one = "127.0.0.1:" + std::to_string(redis.node(0).port());
  EXPECT_TRUE(says(View(store_at("redis://" + one)).probe().message, "write redis+cluster://"));
  RedisServer single;
  const std::string other = "redis+cluster://127.0.0.1:" + std::to_string(single.port());
  EXPECT_TRUE(says(View(store_at(other)).probe().message, "cluster support disabled"))
      << View(store_at(other)).probe().message;

  for (std::size_t i = 0; i < 3; ++i) redis.node(i).command({"CLUSTER", "DELSLOTS", "0"});
  health = view.probe();
  EXPECT_FALSE(health.ok);
  EXPECT_TRUE(says(health.message, "of its slots have no node") || says(health.message, "Cluster is down"))
      << health.message;
}

}  // namespace
}  // namespace sallyport::testing
