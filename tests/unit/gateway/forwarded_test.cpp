// Who the client is, and what travels on of what it said (SECURITY H3).
#include "gateway/forwarded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/http1/reader.hpp"

namespace sallyport::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::array<std::uint8_t, 16> kChance{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};

Provenance decide(const std::string& peer, const std::string& fields, std::vector<std::string> trusted = {},
                  bool tls = false) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a.example:8\r\n" + fields + "\r\n";
  http1::RequestReader reader({});
  EXPECT_EQ(reader.read_head(bytes).progress, http1::Progress::complete);
  AddressSet set;
  for (const std::string& cidr : trusted) EXPECT_TRUE(set.add(cidr)) << cidr;
  Provenance out;
  decide_provenance(out, reader.head(), {peer, parse_ip(peer).value_or(IpAddress{}), tls}, set, kChance);
  return out;
}

TEST(Provenance, TrustsNothingByDefault) {
  const Provenance out = decide(
      "192.0.2.1",
      "X-Forwarded-For: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=evil\r\n"
      "X-Request-Id: evil\r\n");
  EXPECT_EQ(out.client, "192.0.2.1");
  EXPECT_EQ(out.request_id, "000102030405060708090a0b0c0d0eff");
  EXPECT_EQ(out.lines,
            "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.example:8\r\n"
            "Forwarded: for=192.0.2.1;host=\"a.example:8\";proto=http\r\nX-Request-Id: "
            "000102030405060708090a0b0c0d0eff\r\n");
}

TEST(Provenance, KeepsWhatATrustedProxySays) {
  const Provenance out =
      decide("10.1.2.3",
             "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 203.0.113.9, 10.9.9.9\r\nX-Forwarded-Proto: "
             "https\r\n"
             "X-Forwarded-Host: shop.example\r\nForwarded: for=198.51.100.7\r\nX-Request-Id: abc-1\r\n",
             {"10.0.0.0/8"});
  EXPECT_EQ(out.client, "203.0.113.9") << "the last that is no proxy of ours";
  EXPECT_EQ(out.request_id, "abc-1");
  EXPECT_THAT(out.lines, HasSubstr("X-Forwarded-For: 198.51.100.7, 203.0.113.9, 10.9.9.9, 10.1.2.3\r\n"));
  EXPECT_THAT(out.lines, HasSubstr("X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n"));
  EXPECT_THAT(out.lines, HasSubstr("Forwarded: for=198.51.100.7, for=10.1.2.3;"));
}

TEST(Provenance, StopsAtTheFirstThingThatIsNoAddress) {
  EXPECT_EQ(decide("10.0.0.1", "X-Forwarded-For: 198.51.100.7, unknown\r\n", {"10.0.0.1"}).client,
            "10.0.0.1");
  EXPECT_EQ(decide("10.0.0.1", "X-Forwarded-For: 198.51.100.7, 10.0.0.1\r\n", {"10.0.0.1"}).client,
            "198.51.100.7");
  EXPECT_EQ(decide("10.0.0.1", "X-Forwarded-For: 198.51.100.7:4711\r\n", {"10.0.0.1"}).client,
            "198.51.100.7");
  EXPECT_EQ(decide("10.0.0.1", "X-Forwarded-For: [2001:db8::1]:80\r\n", {"10.0.0.1"}).client, "2001:db8::1");
  EXPECT_EQ(decide("10.0.0.1", "", {"10.0.0.1"}).client, "10.0.0.1");
}

TEST(Provenance, RefusesBadValuesEvenFromATrustedProxy) {
  const Provenance out = decide(
      "::1", "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a b\r\nX-Request-Id: a b\r\n", {"::1"}, true);
  EXPECT_THAT(out.lines, HasSubstr("X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example:8\r\n"));
  EXPECT_THAT(out.lines, HasSubstr("for=\"[::1]\";"));
  EXPECT_EQ(out.request_id.size(), 32u);
  EXPECT_EQ(decide("::1", "X-Request-Id: a\r\nX-Request-Id: b\r\n", {"::1"}).request_id.size(), 32u)
      << "two of them are none";
}

TEST(Provenance, PassesAValidTraceparentOnly) {
  const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_THAT(decide("192.0.2.1", "traceparent: " + good + "\r\n").lines,
              HasSubstr("traceparent: " + good + "\r\n"));
  for (const char* bad : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01"})
    EXPECT_THAT(decide("192.0.2.1", "traceparent: " + std::string(bad) + "\r\n").lines,
                Not(HasSubstr("traceparent")))
        << bad;
}

TEST(Provenance, NamesOurSpanWhereTheRequestIsTraced) {
  const std::string theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a.example\r\ntraceparent: " + theirs + "\r\n\r\n";
  http1::RequestReader reader({});
  ASSERT_EQ(reader.read_head(bytes).progress, http1::Progress::complete);
  const Trace trace = decide_trace(traceparent_of(reader.head()), 0, kChance, kChance);
  Provenance out;
  decide_provenance(out, reader.head(), {"192.0.2.1", *parse_ip("192.0.2.1"), false}, {}, kChance, trace);
  EXPECT_THAT(out.lines,
              HasSubstr("traceparent: 00-0af7651916cd43dd8448eb211c80319c-08090a0b0c0d0eff-01\r\n"));
  EXPECT_THAT(out.lines, Not(HasSubstr(theirs)));
}

TEST(AddressSet, ComparesByPrefix) {
  AddressSet set;
  for (const char* cidr : {"10.0.0.0/8", "192.0.2.128/25", "2001:db8::/33", "::1"})
    EXPECT_TRUE(set.add(cidr));
  for (const char* bad :
       {"", "10.0.0.0/33", "::/129", "10.0.0/8", "x", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.1 "})
    EXPECT_FALSE(set.add(bad)) << bad;
  const auto in = [&](const char* text) { return set.contains(*parse_ip(text)); };
  EXPECT_TRUE(in("10.255.0.1"));
  EXPECT_TRUE(in("::ffff:10.1.1.1")) << "IPv4 in IPv6 clothes";
  EXPECT_FALSE(in("11.0.0.1"));
  EXPECT_TRUE(in("192.0.2.200"));
  EXPECT_FALSE(in("192.0.2.1"));
  EXPECT_TRUE(in("2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8:8000::1"));
  EXPECT_TRUE(in("::1"));
  EXPECT_FALSE(in("::2"));
}

}  // namespace
}  // namespace sallyport::gateway
