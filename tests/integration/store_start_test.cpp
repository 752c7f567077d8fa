// What a gateway finds when it comes to its Redis, and says of it: a policy of eviction that may drop
// sessions, and a log that it reads whole before it is ready.
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/integration/proxied_store.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;

TEST(StoreAtStart, ThatMayEvictSessionsIsRefusedOrWarnedOf) {
  RedisServer redis({.extra = {"--maxmemory-policy", "allkeys-lru"}});
  Fleet fleet(redis.url());
  GatewayProcess gateway(SALLYPORT_BINARY, fleet.yaml());
  ASSERT_TRUE(gateway.wait_for_log("not ready: "));
  EXPECT_NE(gateway.log().find("allkeys-lru"), std::string::npos) << gateway.log();
  EXPECT_NE(gateway.log().find("noeviction"), std::string::npos) << "the way out: " << gateway.log();
  EXPECT_EQ(gateway.log().find("ready: 0 revocations"), std::string::npos);
  // It goes on by itself once that was put right.
  redis.command({"CONFIG", "SET", "maxmemory-policy", "volatile-ttl"});
  ASSERT_TRUE(gateway.wait_for_log("ready: 0 revocations read"));
  EXPECT_NE(gateway.log().find("volatile-ttl"), std::string::npos) << "warned of: " << gateway.log();
}

TEST(StoreAtStart, IsReadWholeInPagesThatItCanTakeAndReadyzTellsHowFar) {
  RedisServer redis;
  constexpr unsigned kEntries = 3'000;
  const std::string until = std::to_string(std::time(nullptr) + 3600);
  redis.command({"EVAL",
                 "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'kind', 'session', 'issuer', "
                 "'https://auth.test', 'id', 'ended-' .. i, 'until', ARGV[2], 'before', '', 'epoch', '0', "
                 "'reason', 'logout') end return 0",
                 "1", "sallyport:{log}:revocations", std::to_string(kEntries), until});
  ProxiedStore way(redis);
  way.delay(20ms);  // before each piece of an answer: a whole page takes longer than store.timeout
  Fleet fleet(redis.url(), {.more = "admin: {address: \"127.0.0.1:0\"}\n"});
  GatewayProcess gateway(SALLYPORT_BINARY, fleet.yaml(way.url()));
  const std::string said = "admin on 127.0.0.1:";
  ASSERT_TRUE(gateway.wait_for_log(said));
  const std::string log = gateway.log();
  const HttpClient admin(static_cast<std::uint16_t>(std::stoul(log.substr(log.find(said) + said.size()))));
  Response readyz = admin.get("/readyz");
  bool partly = false;
  for (const Deadline end = within(); readyz.status != 200 && Clock::now() < end;
       readyz = admin.get("/readyz")) {
    const auto at = readyz.body.find("revocations read: ");
    ASSERT_NE(at, readyz.body.npos) << readyz.body;
    const unsigned read = static_cast<unsigned>(std::stoul(readyz.body.substr(at + 18)));
    EXPECT_LE(read, kEntries);
    partly = partly || (read > 0 && read < kEntries);
  }
  EXPECT_EQ(readyz.status, 200) << readyz.body;
  EXPECT_NE(readyz.body.find("revocations read: 3000"), readyz.body.npos) << readyz.body;
  EXPECT_TRUE(partly) << "it was never seen on its way";
}

}  // namespace
}  // namespace sallyport::testing
