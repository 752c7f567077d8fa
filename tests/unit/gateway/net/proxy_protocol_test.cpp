#include "gateway/net/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::gateway {
namespace {

using State = ProxyHeader::State;
using std::string_literals::operator""s;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(unsigned char version, unsigned char family, const std::string& body) {
  return kSignature + static_cast<char>(version) + static_cast<char>(family) +
         static_cast<char>(body.size() >> 8) + static_cast<char>(body.size() & 255) + body;
}

const std::string kV4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb"s;
const std::string kV6 = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"s +
                        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s + "\xdc\x04\x01\xbb"s;
const std::string kTlv = "\x03\x00\x04"s + "\x01\x02\x03\x04"s;

struct Row {
  const char* name;
  std::string bytes;
  const char* client;  // nullptr: none named
  std::uint16_t port;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

const Row kGood[] = {
    {"TextV4", "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7", 56324},
    {"TextV6", "PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", "2001:db8::7", 56324},
    {"TextUnknown", "PROXY UNKNOWN\r\n", nullptr, 0},
    {"TextUnknownWithMore", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", nullptr, 0},
    {"TextLongest",
     "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
     "65535\r\n",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
    {"BinaryV4", binary(0x21, 0x11, kV4), "192.0.2.7", 56324},
    {"BinaryV6", binary(0x21, 0x21, kV6), "2001:db8::7", 56324},
    {"BinaryV4WithTlv", binary(0x21, 0x11, kV4 + kTlv), "192.0.2.7", 56324},
    {"BinaryLocal", binary(0x20, 0x00, ""), nullptr, 0},
    {"BinaryLocalWithAddresses", binary(0x20, 0x11, kV4), nullptr, 0},
    {"BinaryUnspecified", binary(0x21, 0x00, "whatever"), nullptr, 0},
    {"BinaryUnix", binary(0x21, 0x31, std::string(216, '\0')), nullptr, 0},
};

class GoodHeader : public ::testing::TestWithParam<Row> {};

TEST_P(GoodHeader, IsReadWholeAndNothingBehindIt) {
  const Row& row = GetParam();
  const ProxyHeader header = read_proxy_header(row.bytes + "GET / HTTP/1.1\r\n");
  ASSERT_EQ(header.state, State::complete) << header.reason;
  EXPECT_EQ(header.consumed, row.bytes.size());
  EXPECT_EQ(header.names_client, row.client != nullptr);
  if (row.client == nullptr) return;
  EXPECT_EQ(header.client, parse_ip(row.client).value());
  EXPECT_EQ(header.port, row.port);
}

TEST_P(GoodHeader, WantsMoreAtEachOfItsTruncations) {
  const Row& row = GetParam();
  for (std::size_t n = 0; n < row.bytes.size(); ++n)
    EXPECT_EQ(read_proxy_header(row.bytes.substr(0, n)).state, State::need_more) << n;
}

INSTANTIATE_TEST_SUITE_P(Proxy, GoodHeader, ::testing::ValuesIn(kGood),
                         [](const auto& tested) { return std::string(tested.param.name); });

struct BadRow {
  const char* name;
  std::string bytes;
};

void PrintTo(const BadRow& row, std::ostream* out) { *out << row.name; }

const BadRow kBad[] = {
    {"Http", "GET / HTTP/1.1\r\n"},
    {"TlsHello", "\x16\x03\x01\x02"s},
    {"LowerCase", "proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n"},
    {"NoFamily", "PROXY \r\n"},
    {"OtherFamily", "PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n"},
    {"BareLf", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"},
    {"TwoBlanks", "PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n"},
    {"TooFew", "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"},
    {"TooMany", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n"},
    {"FinalBlank", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n"},
    {"V6InTcp4", "PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n"},
    {"V4InTcp6", "PROXY TCP6 192.0.2.7 2001:db8::1 1 2\r\n"},
    {"NameForAddress", "PROXY TCP4 localhost 198.51.100.1 1 2\r\n"},
    {"PortTooLarge", "PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n"},
    {"PortWithZero", "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n"},
    {"PortSigned", "PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n"},
    {"TooLong", "PROXY UNKNOWN " + std::string(200, 'x')},
    {"TooLongWithEnd", "PROXY UNKNOWN " + std::string(100, 'x') + "\r\n"},
    {"BinaryVersion1", binary(0x11, 0x11, kV4)},
    {"BinaryCommand2", binary(0x22, 0x11, kV4)},
    {"BinaryUdp", binary(0x21, 0x12, kV4)},
    {"BinaryNoFamily", binary(0x21, 0x41, kV4)},
    {"BinaryShortV4", binary(0x21, 0x11, kV4.substr(1))},
    {"BinaryShortV6", binary(0x21, 0x21, kV6.substr(1))},
    {"BinaryTooLong", binary(0x21, 0x11, kV4 + std::string(3000, 'x'))},
    {"BinaryHalfTlv", binary(0x21, 0x11, kV4 + "\x03\x00"s)},
    {"BinaryTlvBeyondItsEnd", binary(0x21, 0x11, kV4 + "\x03\x00\x09"s + "abc")},
};

class BadHeader : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadHeader, IsRefusedWithAReason) {
  const ProxyHeader header = read_proxy_header(GetParam().bytes);
  EXPECT_EQ(header.state, State::refused);
  EXPECT_FALSE(header.reason.empty());
  EXPECT_FALSE(header.names_client);
}

INSTANTIATE_TEST_SUITE_P(Proxy, BadHeader, ::testing::ValuesIn(kBad),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(ProxyHeader, IsRefusedAtTheFirstByteThatCannotBelongToOne) {
  EXPECT_EQ(read_proxy_header("PROXX").state, State::refused);
  EXPECT_EQ(read_proxy_header("\r\n\r\nX").state, State::refused);
  EXPECT_EQ(read_proxy_header(kSignature + "\x31").state, State::refused);
}

}  // namespace
}  // namespace sallyport::gateway
