#include "config/units.hpp"

#include <gtest/gtest.h>

#include "config/names.hpp"
#include "config/suggest.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

using std::chrono::milliseconds;

TEST(Duration, ReadsEachUnit) {
  const std::pair<const char*, std::int64_t> rows[] = {{"0s", 0},         {"off", 0},         {"1ms", 1},
                                                       {"500ms", 500},    {"10s", 10'000},    {"5m", 300'000},
                                                       {"2h", 7'200'000}, {"7d", 604'800'000}};
  for (const auto& [text, ms] : rows) EXPECT_EQ(parse_duration(text), milliseconds{ms}) << text;
}

TEST(Duration, RefusesWhatHasNoUnitASignABlankOrNoEnd) {
  for (const auto* text :
       {"", "10", "0", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "s", "1sec", "1w", "1s1m", "OFF",
        "99999999999999999999s", "18446744073709551615d", "9223372036854775807s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, PrintsTheLargestExactUnitThatReadsBack) {
  const std::pair<std::int64_t, const char*> rows[] = {{0, "0s"},      {1, "1ms"},      {1500, "1500ms"},
                                                       {60'000, "1m"}, {90'000, "90s"}, {86'400'000, "1d"}};
  for (const auto& [ms, text] : rows) {
    EXPECT_EQ(print_duration(milliseconds{ms}), text);
    EXPECT_EQ(parse_duration(text), milliseconds{ms});
  }
}

TEST(Size, ReadsBinaryUnitsOnly) {
  EXPECT_EQ(parse_size("0B"), 0u);
  EXPECT_EQ(parse_size("500B"), 500u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("10MiB"), 10'485'760u);
  EXPECT_EQ(parse_size("1GiB"), 1'073'741'824u);
  for (const auto* text : {"", "64", "64KB", "64k", "64kib", "1.5MiB", "-1B", "B", "99999999999GiB", "1TiB"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, PrintsWhatReadsBack) {
  for (const std::uint64_t bytes : {0ull, 1ull, 1023ull, 1024ull, 1025ull, 10ull << 20, 1ull << 30})
    EXPECT_EQ(parse_size(print_size(bytes)), bytes);
}

TEST(Rate, IsASizePerSecondOrOff) {
  EXPECT_EQ(parse_rate("500B/s"), 500u);
  EXPECT_EQ(parse_rate("1KiB/s"), 1024u);
  EXPECT_EQ(parse_rate("off"), 0u);
  for (const auto* text : {"", "500B", "500", "/s", "500B/m", "B/s"}) EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(Throttle, IsACountPerTime) {
  const auto parsed = parse_throttle("10/15m");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->first, 10u);
  EXPECT_EQ(parsed->second, std::chrono::seconds{900});
  for (const auto* text :
       {"", "10", "10/", "/15m", "0/15m", "10/0s", "10/off", "10/500ms", "10/1500ms", "-1/15m", "1/2/3s"})
    EXPECT_FALSE(parse_throttle(text)) << text;
}

TEST(DidYouMean, FindsTheNearestWordAndOnlyANearOne) {
  const std::vector<std::string> words{"head", "head_size", "fields", "keep_alive", "routes", "route"};
  const std::pair<const char*, const char*> rows[] = {{"heda", "head"},
                                                      {"haed", "head"},
                                                      {"Head", "head"},
                                                      {"keepalive", "keep_alive"},
                                                      {"keep-alive", "keep_alive"},
                                                      {"feilds", "fields"},
                                                      {"rotues", "routes"},
                                                      {"zebra", ""},
                                                      {"", ""},
                                                      {"x", ""},
                                                      {"head_sise", "head_size"}};
  for (const auto& [word, expected] : rows) EXPECT_EQ(nearest(word, words), expected) << word;
  EXPECT_EQ(nearest(std::string(100'000, 'h'), words), "");
}

TEST(DidYouMean, CountsASwapAsOneEditAndCaseAsNone) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);
  EXPECT_EQ(edit_distance("ABC", "abc"), 0u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

// SECURITY O2: text from a file never breaks a line of output.
TEST(InQuotes, EscapesControlsAndCutsLongText) {
  EXPECT_EQ(in_quotes("a\r\nb"), "\"a\\x0d\\x0ab\"");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), "\"" + std::string(60, 'x') + "...\"");
}

TEST(Address, NeedsAnIpAndAPort) {
  const auto v6 = parse_address("[::]:8443");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::");
  EXPECT_EQ(v6->port, 8443);
  EXPECT_EQ(print_address(*v6), "[::]:8443");
  EXPECT_TRUE(parse_address("0.0.0.0:0"));
  for (const auto* text :
       {"", ":", ":80", "80", "1.2.3.4", "[::1]", "::1:80", "localhost:80", "1.2.3.4:", "1.2.3.4:65536",
        "1.2.3.4:-1", "1.2.3.4:80x", "[::1:80", "[::1]80", "[1.2.3.4]:80", "256.1.1.1:80"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(StoreUrl, ReadsEveryForm) {
  const auto redis = parse_store("redis://app:p%40ss%2F@10.0.0.1:6380/3", "/etc");
  ASSERT_TRUE(redis);
  EXPECT_EQ(redis->kind, StoreKind::redis);
  EXPECT_EQ(redis->user, "app");
  EXPECT_EQ(redis->password.reveal(), "p@ss/");
  EXPECT_EQ(redis->address.host, "10.0.0.1");
  EXPECT_EQ(redis->address.port, 6380);
  EXPECT_EQ(redis->database, 3);
  EXPECT_FALSE(redis->tls);
  EXPECT_EQ(redis->url, "redis://10.0.0.1:6380/3");

  const auto tls = parse_store("rediss://:pw@cache.internal", "/etc");
  ASSERT_TRUE(tls);
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->user, "");
  EXPECT_EQ(tls->password.reveal(), "pw");
  EXPECT_EQ(tls->address.host, "cache.internal");
  EXPECT_EQ(tls->address.port, 6379);

  const auto v6 = parse_store("redis://[::1]:7000/0", "/etc");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->address.host, "::1");

  const auto socket = parse_store("redis+unix://u:p@/run/redis.sock?db=2", "/etc");
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->path, "/run/redis.sock");
  EXPECT_EQ(socket->user, "u");
  EXPECT_EQ(socket->database, 2);
  EXPECT_EQ(socket->url, "redis+unix:///run/redis.sock?db=2");

  const auto sqlite = parse_store("sqlite:state.db", "/etc/sallyport");
  ASSERT_TRUE(sqlite);
  EXPECT_EQ(sqlite->kind, StoreKind::sqlite);
  EXPECT_EQ(sqlite->path, "/etc/sallyport/state.db");
  EXPECT_EQ(parse_store("sqlite:/var/lib/state.db", "/etc")->path, "/var/lib/state.db");
  EXPECT_EQ(parse_store("memory:", "/etc")->kind, StoreKind::memory);
}

TEST(StoreUrl, ReadsSentinelsAndClusters) {
  const auto sentinel =
      parse_store("redis+sentinel://app:p%2Cw@a:5000,10.0.0.2,[::1]:7/my-master.1/3", "/etc");
  ASSERT_TRUE(sentinel);
  EXPECT_EQ(sentinel->mode, RedisMode::sentinel);
  EXPECT_EQ(sentinel->master, "my-master.1");
  EXPECT_EQ(sentinel->user, "app");
  EXPECT_EQ(sentinel->password.reveal(), "p,w");
  EXPECT_EQ(sentinel->database, 3);
  EXPECT_FALSE(sentinel->tls);
  ASSERT_EQ(sentinel->seeds.size(), 3u);
  EXPECT_EQ(print_address(sentinel->seeds[0]), "a:5000");
  EXPECT_EQ(print_address(sentinel->seeds[1]), "10.0.0.2:26379");
  EXPECT_EQ(print_address(sentinel->seeds[2]), "[::1]:7");
  EXPECT_EQ(sentinel->url, "redis+sentinel://a:5000,10.0.0.2:26379,[::1]:7/my-master.1/3");

  const auto cluster = parse_store("redis+cluster://:pw@a,b:7001", "/etc");
  ASSERT_TRUE(cluster);
  EXPECT_EQ(cluster->mode, RedisMode::cluster);
  EXPECT_EQ(cluster->password.reveal(), "pw");
  ASSERT_EQ(cluster->seeds.size(), 2u);
  EXPECT_EQ(cluster->url, "redis+cluster://a:6379,b:7001");
  EXPECT_TRUE(parse_store("redis+cluster://a/0", "/etc"));
  EXPECT_TRUE(parse_store("rediss+cluster://a", "/etc")->tls);
  EXPECT_TRUE(parse_store("rediss+sentinel://a/m", "/etc")->tls);
}

TEST(StoreUrl, RefusesWhatItCannotMean) {
  for (const auto* text : {"",
                           "memory",
                           "redis:",
                           "redis://",
                           "redis://host:x",
                           "redis://host:0",
                           "redis://host/x",
                           "redis://pw@host",
                           "redis://u:%zz@host",
                           "redis://u:%4@host",
                           "redis+unix://run.sock",
                           "redis+unix:///s?x=1",
                           "sqlite:",
                           "http://host",
                           "redis://a,b",
                           "rediss+unix:///s",
                           "redis+sentinel://a,b",
                           "redis+sentinel://a,b/",
                           "redis+sentinel://a,,b/m",
                           "redis+sentinel://a,b/my master",
                           "redis+sentinel://a/m/x",
                           "redis+sentinel://a:0/m",
                           "redis+cluster://",
                           "redis+cluster://a,",
                           "redis+cluster://a/1",
                           "redis+cluster://a:x",
                           "redis+cluster://pw@a"})
    EXPECT_FALSE(parse_store(text, "/etc")) << text;
}

TEST(ServerUrl, ReadsEveryForm) {
  const auto plain = parse_server("http://10.0.0.5:8080");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "10.0.0.5");
  EXPECT_EQ(plain->port, 8080);
  const auto tls = parse_server("https://api.internal/");
  ASSERT_TRUE(tls);
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->port, 443);
  EXPECT_EQ(parse_server("http+unix:/run/app.sock")->unix_path, "/run/app.sock");
  EXPECT_EQ(parse_server("http://[::1]:80")->host, "::1");
  for (const auto* text :
       {"", "10.0.0.5:8080", "ftp://a", "http://", "http://a/b", "http://a?b", "http://u:p@a", "http://a:b",
        "http://a:0", "http+unix:app.sock", "http://::1", "http://a b"})
    EXPECT_FALSE(parse_server(text)) << text;
}

TEST(Cidr, IsAnAddressOrANetwork) {
  for (const auto* text : {"10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "0.0.0.0/0"})
    EXPECT_TRUE(is_cidr(text)) << text;
  for (const auto* text :
       {"", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0/8", "host", "10.0.0.0/-1"})
    EXPECT_FALSE(is_cidr(text)) << text;
}

TEST(Ratio, IsADecimalFromZeroToOne) {
  EXPECT_EQ(parse_ratio("0"), 0.0);
  EXPECT_EQ(parse_ratio("0.25"), 0.25);
  EXPECT_EQ(parse_ratio("1"), 1.0);
  EXPECT_EQ(parse_ratio("1.0"), 1.0);
  for (const auto* text : {"", "-0", "-0.1", "1.1", "2", "1%", "nan", "inf", "1e-2", "0,5", " 1", "0.5 "})
    EXPECT_FALSE(parse_ratio(text)) << text;
  for (const double value : {0.0, 0.01, 1.0 / 3, 0.0000001, 1.0})
    EXPECT_EQ(parse_ratio(print_ratio(value)), value) << value;
  EXPECT_EQ(print_ratio(0.01), "0.01");
  EXPECT_EQ(print_ratio(1), "1");
}

// SECURITY P1, CONTRACT 3.2.
TEST(RoutePath, MustBeInTheFormThatRequestsAreMatchedIn) {
  for (const auto* path : {"/", "/x", "/x/", "/a/b.c/~d", "/a%20b/", "/a:b@c", "/%C3%A4/", "/..."})
    EXPECT_EQ(path_flaw(path), "") << path;
  for (const auto* path :
       {"",       "x",     "//",    "/a//b", "/./a", "/a/..", "/%2e%2e/a", "/a/%2E", "/a%2Fb",
        "/a%5cb", "/a\\b", "/a;b",  "/a?b",  "/a#b", "/a b",  "/a*",       "/%61",   "/%c3%a4",
        "/a%",    "/a%2",  "/a%zz", "/%00",  "/%25", "/\x01", "/\xc3\xa4", "/{id}"})
    EXPECT_NE(path_flaw(path), "") << path;
  EXPECT_NE(path_flaw("/%7Euser").find("\"/~user\""), std::string::npos);
}

TEST(RoutePath, CoversByWholeSegments) {
  EXPECT_TRUE(covers("/x/", "/x/y"));
  EXPECT_TRUE(covers("/x/", "/x"));
  EXPECT_TRUE(covers("/", "/x"));
  EXPECT_FALSE(covers("/x", "/x/y"));
  EXPECT_FALSE(covers("/public/", "/public-evil"));
}

// SECURITY H1, H2.
TEST(ClaimHeader, IsNeverOneThatMeansSomethingElse) {
  for (const auto* name : {"X-Tenant", "Tenant", "X-Department-Id"})
    EXPECT_EQ(claim_header_flaw(name), "") << name;
  for (const auto* name : {"", "X Tenant", "X:Tenant", "Connection", "transfer-encoding", "Content-Length",
                           "Host", "X-Auth-Roles", "x-auth-anything", "X_Tenant", "Authorization", "Cookie",
                           "X-Forwarded-For", "Forwarded", "X-Request-Id", "X\r\nEvil"})
    EXPECT_NE(claim_header_flaw(name), "") << name;
}

TEST(Origin, IsSchemeHostAndPort) {
  for (const auto* text : {"https://app.example.com", "http://localhost:3000", "https://[::1]:8443"})
    EXPECT_TRUE(is_origin(text)) << text;
  for (const auto* text :
       {"", "app.example.com", "https://", "https://a/", "https://A", "https://a b", "https://u@a", "null"})
    EXPECT_FALSE(is_origin(text)) << text;
}

}  // namespace
}  // namespace sallyport::config
