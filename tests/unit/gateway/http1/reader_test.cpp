// The framing rules of SECURITY section 1, one row per head: what is refused, with which code, and what is
// understood.
#include "gateway/http1/reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::http1 {
namespace {

using gateway::FieldId;
using gateway::Framing;
using gateway::Version;

constexpr const char* kHost = "Host: a.example\r\n";

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n";
}
std::string line(const std::string& start) { return start + "\r\n" + kHost + "\r\n"; }

struct Refused {
  const char* name;
  std::string bytes;
  unsigned status;
  const char* code;
};

void PrintTo(const Refused& row, std::ostream* out) { *out << row.name; }

class RefusedRequest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRequest, IsRefusedWithItsCodeWholeAndByteByByte) {
  RequestReader whole({});
  const HeadStep step = whole.read_head(GetParam().bytes);
  ASSERT_EQ(step.progress, Progress::refused);
  EXPECT_EQ(step.refusal.status, GetParam().status);
  EXPECT_EQ(step.refusal.code, GetParam().code);
  EXPECT_EQ(whole.read_head(GetParam().bytes).progress, Progress::refused) << "F1: refused stays refused";
  EXPECT_EQ(whole.read_body("x").progress, Progress::refused);

  RequestReader trickle({});
  HeadStep last;
  for (std::size_t n = 1; n <= GetParam().bytes.size() && last.progress == Progress::need_more; ++n)
    last = trickle.read_head(std::string_view(GetParam().bytes).substr(0, n));
  ASSERT_EQ(last.progress, Progress::refused);
  EXPECT_EQ(last.refusal.code, GetParam().code);
}

const std::string kNul("\0", 1);

INSTANTIATE_TEST_SUITE_P(
    Framing, RefusedRequest,
    testing::Values(
        // B1, B2: Transfer-Encoding
        Refused{"connection_of_two_words", get("Connection: keep alive\r\n"), 400, "bad_connection"},
        Refused{"connection_quoted", get("Connection: close, \"x\"\r\n"), 400, "bad_connection"},
        Refused{"te_gzip", post("Transfer-Encoding: gzip\r\n"), 400, "bad_transfer_encoding"},
        Refused{"te_gzip_then_length", post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"), 400,
                "length_and_transfer_encoding"},
        Refused{"te_gzip_chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 400,
                "bad_transfer_encoding"},
        Refused{"te_chunked_twice_in_list", post("Transfer-Encoding: chunked, chunked\r\n"), 400,
                "bad_transfer_encoding"},
        Refused{"te_identity", post("Transfer-Encoding: identity\r\n"), 400, "bad_transfer_encoding"},
        Refused{"te_xchunked", post("Transfer-Encoding: xchunked\r\n"), 400, "bad_transfer_encoding"},
        Refused{"te_chunked_with_parameter", post("Transfer-Encoding: chunked;q=1\r\n"), 400,
                "bad_transfer_encoding"},
        Refused{"te_quoted", post("Transfer-Encoding: \"chunked\"\r\n"), 400, "bad_transfer_encoding"},
        Refused{"te_empty", post("Transfer-Encoding:\r\n"), 400, "bad_transfer_encoding"},
        Refused{"te_leading_comma", post("Transfer-Encoding: ,chunked\r\n"), 400, "bad_transfer_encoding"},
        Refused{"te_vertical_tab", post("Transfer-Encoding: \vchunked\r\n"), 400, "control_byte"},
        Refused{"te_on_http10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                "transfer_encoding_on_http10"},
        // B4: Content-Length
        Refused{"length_list", post("Content-Length: 5, 5\r\n"), 400, "bad_content_length"},
        Refused{"length_plus", post("Content-Length: +5\r\n"), 400, "bad_content_length"},
        Refused{"length_minus", post("Content-Length: -5\r\n"), 400, "bad_content_length"},
        Refused{"length_hex", post("Content-Length: 0x5\r\n"), 400, "bad_content_length"},
        Refused{"length_fraction", post("Content-Length: 5.0\r\n"), 400, "bad_content_length"},
        Refused{"length_blank_inside", post("Content-Length: 5 5\r\n"), 400, "bad_content_length"},
        Refused{"length_empty_cve_2023_40225", post("Content-Length:\r\n"), 400, "bad_content_length"},
        Refused{"length_over_2_63", post("Content-Length: 9223372036854775808\r\n"), 400,
                "bad_content_length"},
        Refused{"length_over_2_64", post("Content-Length: 18446744073709551621\r\n"), 400,
                "bad_content_length"},
        // B3: Host
        Refused{"no_host", "GET / HTTP/1.1\r\n\r\n", 400, "missing_host"},
        Refused{"two_hosts", get("Host: a.example\r\n"), 400, "duplicate_host"},
        Refused{"two_hosts_10", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, "duplicate_host"},
        Refused{"empty_host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "bad_host"},
        Refused{"host_list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "bad_host"},
        Refused{"host_userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "bad_host"},
        Refused{"host_path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_host"},
        Refused{"host_port_text", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "bad_host"},
        Refused{"host_port_big", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400, "bad_host"},
        Refused{"host_port_zero", "GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", 400, "bad_host"},
        Refused{"host_two_ports", "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400, "bad_host"},
        Refused{"host_bad_bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "bad_host"},
        Refused{"host_no_ipv6", "GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", 400, "bad_host"},
        Refused{"host_percent", "GET / HTTP/1.1\r\nHost: a%2e\r\n\r\n", 400, "bad_host"},
        Refused{"host_high_byte", "GET / HTTP/1.1\r\nHost: a\xe9\r\n\r\n", 400, "bad_host"},
        // B7 and bare line ends: at once
        Refused{"obs_fold", get("X: a\r\n b\r\n"), 400, "obs_fold"},
        Refused{"obs_fold_tab", get("X: a\r\n\tb\r\n"), 400, "obs_fold"},
        Refused{"fold_before_first_field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "obs_fold"},
        Refused{"bare_lf_in_start_line", "GET / HTTP/1.1\nHost: a\n\n", 400, "bare_lf"},
        Refused{"bare_lf_in_fields", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, "bare_lf"},
        Refused{"bare_lf_at_the_end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare_lf"},
        Refused{"bare_cr_in_value", get("X: a\rb\r\n"), 400, "bare_cr"},
        Refused{"bare_cr_at_the_end", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, "bare_cr"},
        Refused{"nul_in_value_cve_2019_9900", get("X: a" + kNul + "b\r\n"), 400, "control_byte"},
        Refused{"escape_in_value", get("X: \x1b[2J\r\n"), 400, "control_byte"},
        Refused{"del_in_value", get("X: \x7f\r\n"), 400, "control_byte"},
        Refused{"two_empty_lines_first", "\r\n\r\n" + get(""), 400, "bad_start_line"},
        Refused{"lf_first", "\n" + get(""), 400, "bad_start_line"},
        Refused{"blank_first", " " + get(""), 400, "bad_start_line"},
        Refused{"cr_first", "\rG", 400, "bare_cr"},
        // Field names
        Refused{"blank_before_colon", get("X : a\r\n"), 400, "bad_field_name"},
        Refused{"tab_before_colon", get("X\t: a\r\n"), 400, "bad_field_name"},
        Refused{"empty_name_cve_2023_25725", get(": a\r\n"), 400, "bad_field_name"},
        Refused{"no_colon", get("X\r\n"), 400, "bad_field_name"},
        Refused{"nul_in_name", get("X" + kNul + ": a\r\n"), 400, "bad_field_name"},
        Refused{"high_byte_in_name", get("X\xff: a\r\n"), 400, "bad_field_name"},
        Refused{"bracket_in_name", get("X(y): a\r\n"), 400, "bad_field_name"},
        // Start line
        Refused{"http_2_0", line("GET / HTTP/2.0"), 505, "version_not_supported"},
        Refused{"http_1_2", line("GET / HTTP/1.2"), 505, "version_not_supported"},
        Refused{"http_0_9", line("GET / HTTP/0.9"), 505, "version_not_supported"},
        Refused{"http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_not_supported"},
        Refused{"lower_case_http", line("GET / http/1.1"), 400, "bad_version"},
        Refused{"long_version", line("GET / HTTP/1.10"), 400, "bad_version"},
        Refused{"no_version", line("GET /"), 400, "bad_request_line"},
        Refused{"simple_request", "GET\r\n\r\n", 400, "bad_request_line"},
        Refused{"blank_in_target", line("GET /a b HTTP/1.1"), 400, "bad_byte_in_target"},
        Refused{"two_blanks", line("GET  / HTTP/1.1"), 400, "bad_byte_in_target"},
        Refused{"blank_at_the_end", line("GET / HTTP/1.1 "), 400, "bad_version"},
        Refused{"tab_between", line("GET\t/ HTTP/1.1"), 400, "bad_request_line"},
        Refused{"bad_method", line("G(T / HTTP/1.1"), 400, "bad_method"},
        Refused{"long_method", line(std::string(33, 'A') + " / HTTP/1.1"), 501, "method_too_long"},
        Refused{"trace", line("TRACE / HTTP/1.1"), 501, "method_not_served"},
        Refused{"connect", line("CONNECT a.example:443 HTTP/1.1"), 501, "method_not_served"},
        // B8: targets
        Refused{"fragment_cve_2023_45539", line("GET /a#b HTTP/1.1"), 400, "fragment_in_target"},
        Refused{"high_byte", line("GET /\xc3\xa9 HTTP/1.1"), 400, "bad_byte_in_target"},
        Refused{"control_in_target", line("GET /\x01 HTTP/1.1"), 400, "control_byte"},
        Refused{"tab_in_target", line("GET /\ta HTTP/1.1"), 400, "bad_byte_in_target"},
        Refused{"asterisk_get", line("GET * HTTP/1.1"), 400, "asterisk_target"},
        Refused{"authority_form", line("GET a.example:80 HTTP/1.1"), 400, "bad_target"},
        Refused{"no_slash", line("GET index.html HTTP/1.1"), 400, "bad_target"},
        Refused{"other_scheme", line("GET ftp://a.example/ HTTP/1.1"), 400, "bad_target"},
        Refused{"other_authority", line("GET http://b.example/ HTTP/1.1"), 400, "target_differs_from_host"},
        Refused{"other_port", line("GET http://a.example:81/ HTTP/1.1"), 400, "target_differs_from_host"},
        Refused{"userinfo", line("GET http://u@a.example/ HTTP/1.1"), 400, "bad_target_authority"},
        Refused{"no_authority", line("GET http:/// HTTP/1.1"), 400, "bad_target_authority"},
        Refused{"absolute_without_host", "GET http://a.example/ HTTP/1.1\r\n\r\n", 400, "missing_host"},
        // B13
        Refused{"expectation", post("Expect: something\r\n"), 417, "unknown_expectation"},
        Refused{"expect_twice", post("Expect: 100-continue\r\nExpect: x\r\n"), 417, "unknown_expectation"}),
    [](const auto& row) { return row.param.name; });

// Beast stops at the second field already; the code is ours or the parser's, the answer is the same.
TEST(RequestReader, RefusesRepeatedAndMixedFramingFields) {
  for (const char* fields :
       {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"}) {
    RequestReader reader({});
    const HeadStep step = reader.read_head(post(fields));
    EXPECT_EQ(step.progress, Progress::refused) << fields;
    EXPECT_EQ(step.refusal.status, 400u) << fields;
  }
}

// Eight bytes are looked at together: an odd one must be seen wherever it stands among them.
TEST(RequestReader, SeesAnOddByteAnywhereInAValue) {
  for (std::size_t at = 0; at < 20; ++at) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::string value =
          "abcdefgh\xff\x80"
          "jklmnopqrstuvwx";
      value[at] = static_cast<char>(byte);
      const std::string head = get("X: <" + value + ">\r\n");
      RequestReader reader({});
      const HeadStep step = reader.read_head(head);
      const bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
      ASSERT_EQ(step.progress, good ? Progress::complete : Progress::refused) << at << ' ' << byte;
      if (good) EXPECT_EQ(reader.head().fields[1].value, "<" + value + ">");
    }
  }
}

// It is dropped unread on its way, see forward_rules.
TEST(RequestReader, MindsNotWhatProxyConnectionLists) {
  RequestReader reader({});
  EXPECT_EQ(reader.read_head(get("Proxy-Connection: keep alive\r\n")).progress, Progress::complete);
}

TEST(RequestReader, UnderstandsAGoodHead) {
  const std::string bytes =
      "\r\nPATCH /a/b?x=1?y HTTP/1.1\r\nhOST: A.example:8080\r\nContent-Length:  12 \r\nX-Empty:\r\nX-Text: "
      "\ta b\xe9\t\r\n\r\nbody";
  RequestReader reader({});
  const HeadStep step = reader.read_head(bytes);
  ASSERT_EQ(step.progress, Progress::complete) << step.refusal.code;
  EXPECT_EQ(bytes.substr(step.consumed), "body");
  const gateway::RequestHead& head = reader.head();
  EXPECT_EQ(head.method, "PATCH");
  EXPECT_EQ(head.target, "/a/b?x=1?y");
  EXPECT_EQ(head.raw_path, "/a/b");
  EXPECT_EQ(head.query, "x=1?y");
  EXPECT_TRUE(head.has_query);
  EXPECT_EQ(head.authority, "A.example:8080");
  EXPECT_EQ(head.host, "A.example");
  EXPECT_EQ(head.version, Version::http11);
  EXPECT_EQ(head.framing, Framing::length);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(head.fields.size(), 4u);
  EXPECT_EQ(head.fields[0].id, FieldId::host);
  EXPECT_EQ(head.fields[2].value, "");
  EXPECT_EQ(head.fields[3].value, "a b\xe9");
}

TEST(RequestReader, GivesTheSameHeadWhereverTheBytesAreCut) {
  const std::string bytes = "\r\n" + post("Transfer-Encoding: Chunked\r\nX: y\r\n");
  RequestReader reader({});
  for (std::size_t n = 0; n < bytes.size(); ++n)
    ASSERT_EQ(reader.read_head(std::string_view(bytes).substr(0, n)).progress, Progress::need_more) << n;
  const HeadStep step = reader.read_head(bytes);
  ASSERT_EQ(step.progress, Progress::complete);
  EXPECT_EQ(step.consumed, bytes.size());
  EXPECT_EQ(reader.head().framing, Framing::chunked);
}

TEST(RequestReader, RefusesABareLineFeedAtOnceNotAtTheEnd) {
  RequestReader reader({});
  EXPECT_EQ(reader.read_head("GET / HTTP/1.1\n").progress, Progress::refused);
}

TEST(RequestReader, ReadsEveryTargetForm) {
  struct Row {
    const char *start, *path, *query, *authority;
  };
  for (const Row& row : {Row{"OPTIONS * HTTP/1.1", "*", "", "a.example"},
                         Row{"GET http://A.example/x?y HTTP/1.1", "/x", "y", "a.example"},
                         Row{"GET HTTPS://a.example HTTP/1.1", "/", "", "a.example"},
                         Row{"OPTIONS http://a.example HTTP/1.1", "*", "", "a.example"},
                         Row{"GET http://a.example?q HTTP/1.1", "/", "q", "a.example"},
                         Row{"GET //b.example/x HTTP/1.1", "//b.example/x", "", "a.example"}}) {
    RequestReader reader({});
    const std::string bytes = line(row.start);
    ASSERT_EQ(reader.read_head(bytes).progress, Progress::complete) << row.start;
    EXPECT_EQ(reader.head().raw_path, row.path);
    EXPECT_EQ(reader.head().query, row.query);
    EXPECT_EQ(reader.head().authority, row.authority);
  }
}

TEST(RequestReader, AcceptsIpLiteralsAsHost) {
  for (const char* host :
       {"[::1]:8080", "[2001:db8::1]", "127.0.0.1:1", "localhost", "a_b.example", "a.example."}) {
    RequestReader reader({});
    EXPECT_EQ(reader.read_head("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n").progress,
              Progress::complete)
        << host;
  }
}

TEST(RequestReader, KeepsAliveAsRfc9112Section93Says) {
  struct Row {
    const char *version, *connection;
    bool keeps;
  };
  for (const Row& row : {Row{"1.1", "", true}, Row{"1.1", "close", false}, Row{"1.1", "foo, CLOSE", false},
                         Row{"1.1", "keep-alive, close", false}, Row{"1.0", "", false},
                         Row{"1.0", "Keep-Alive", true}, Row{"1.0", "keep-alive, close", false}}) {
    RequestReader reader({});
    const std::string bytes = "GET / HTTP/" + std::string(row.version) +
                              "\r\nHost: a\r\nConnection: " + row.connection + "\r\n\r\n";
    ASSERT_EQ(reader.read_head(bytes).progress, Progress::complete) << row.connection;
    EXPECT_EQ(reader.head().keep_alive, row.keeps) << row.version << " " << row.connection;
  }
}

TEST(RequestReader, SeesExpectationsAndUpgradesOnlyWhereTheyCount) {
  RequestReader reader({});
  ASSERT_EQ(reader.read_head(post("Expect: 100-Continue\r\nContent-Length: 3\r\n")).progress,
            Progress::complete);
  EXPECT_TRUE(reader.head().expect_continue);
  reader.reset();
  ASSERT_EQ(reader.read_head(get("Expect: 100-continue\r\n")).progress, Progress::complete);
  EXPECT_FALSE(reader.head().expect_continue) << "no body to wait for";
  reader.reset();
  ASSERT_EQ(reader.read_head(get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")).progress,
            Progress::complete);
  EXPECT_TRUE(reader.head().upgrade);
  reader.reset();
  ASSERT_EQ(reader.read_head(get("Upgrade: websocket\r\n")).progress, Progress::complete);
  EXPECT_FALSE(reader.head().upgrade) << "F5: Connection doesn't name it";
  reader.reset();
  ASSERT_EQ(reader.read_head("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").progress,
            Progress::complete);
  EXPECT_FALSE(reader.head().upgrade);
}

// B10, B11, C2: every size has a limit and a status.
TEST(RequestReader, CapsTargetHeadAndFields) {
  const HeadLimits limits{.head_size = 1024, .fields = 5};
  RequestReader target(limits), head(limits), fields(limits), fits(limits);
  EXPECT_EQ(target.read_head("GET /" + std::string(1100, 'a')).refusal.status, 414u);
  EXPECT_EQ(head.read_head(get("X: " + std::string(1100, 'a'))).refusal.status, 431u);
  EXPECT_EQ(fields.read_head(get("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n")).refusal.code,
            "too_many_fields");
  EXPECT_EQ(fits.read_head(get("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n")).progress, Progress::complete);
  RequestReader exact({.head_size = get("").size()});
  EXPECT_EQ(exact.read_head(get("")).progress, Progress::complete);
  RequestReader one_short({.head_size = get("").size() - 1});
  EXPECT_EQ(one_short.read_head(get("")).refusal.status, 431u);
}

TEST(RequestReader, ReadsALengthBodyInAnyPiecesAndLeavesTheNextRequest) {
  RequestReader reader({});
  ASSERT_EQ(reader.read_head(post("Content-Length: 5\r\n")).progress, Progress::complete);
  BodyStep step = reader.read_body("he");
  EXPECT_EQ(step.progress, Progress::need_more);
  EXPECT_EQ(step.piece, "he");
  step = reader.read_body("lloGET /");
  EXPECT_EQ(step.progress, Progress::complete);
  EXPECT_EQ(step.piece, "llo");
  EXPECT_EQ(step.consumed, 3u);
}

TEST(RequestReader, HasNoBodyWithoutFramingOrWithLengthZero) {
  for (const char* fields : {"", "Content-Length: 0\r\n", "Content-Length: 000\r\n"}) {
    RequestReader reader({});
    ASSERT_EQ(reader.read_head(post(fields)).progress, Progress::complete);
    const BodyStep step = reader.read_body("GET / HTTP/1.1");
    EXPECT_EQ(step.progress, Progress::complete);
    EXPECT_EQ(step.consumed, 0u);
  }
}

TEST(RequestReader, ServesManyMessagesAfterReset) {
  RequestReader reader({});
  for (int i = 0; i < 3; ++i) {
    reader.reset();
    ASSERT_EQ(reader.read_head(post("Transfer-Encoding: chunked\r\n")).progress, Progress::complete);
    const BodyStep step = reader.read_body("1\r\nx\r\n0\r\n\r\n");
    EXPECT_EQ(step.piece, "x");
    EXPECT_EQ(reader.read_body("0\r\n\r\n").progress, Progress::complete);
  }
}

}  // namespace
}  // namespace sallyport::http1
