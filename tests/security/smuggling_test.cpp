// Requests with two meanings (SECURITY B1-B8, B13, B14, F1-F3, F7): each is answered once, the connection
// ends, and no origin ever sees what hides in it. A request that RFC 9112 allows beside each trick passes.
#include "tests/security/world.hpp"

namespace sallyport::testing {
namespace {

using namespace std::string_literals;

const std::string kHidden = "GET /private/smuggled HTTP/1.1\r\nHost: t\r\n\r\n";

std::string post(const std::string& headers, const std::string& body = {}) {
  return "POST /public/a HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n" + body;
}
std::string get(const std::string& headers) {
  return "GET /public/a HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n";
}
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }

// --- Refused: one answer, the connection ends, nothing hidden arrives. ---

struct Refused {
  const char* name;
  const char* id;
  std::string bytes;
  int status = 400;
};

std::vector<Refused> refused_heads() {
  const std::string five = "hello";
  return {
      {"length_then_chunked", "B1",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"chunked_then_length", "B1",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + kHidden)},
      {"length_zero_and_chunked", "B1",
       post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_identity", "B1", post("Transfer-Encoding: identity\r\n", kHidden)},
      {"coding_identity_with_length", "B1",
       post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", five + kHidden)},
      {"coding_gzip_with_length", "B1",
       post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", five + kHidden)},
      {"coding_gzip_chunked", "B1", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_chunked_gzip", "B1", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_chunked_identity", "B1",
       post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_chunked_chunked", "B1",
       post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_repeated", "B1",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_repeated_identity", "B1",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_empty", "B1", post("Transfer-Encoding:\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_x_prefix", "B1", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_quoted", "B1", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_single_quoted", "B1", post("Transfer-Encoding: 'chunked'\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_with_parameter", "B1", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_with_comma_before", "B1", post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_with_comma_behind", "B1", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_vertical_tab", "B1",
       post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            "0\r\n\r\n" + kHidden)},
      {"coding_form_feed", "B1", post("Transfer-Encoding: chunked\x0c\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_byte_a0", "B1",
       post("Transfer-Encoding: \xa0"
            "chunked\r\n",
            "0\r\n\r\n" + kHidden)},
      {"coding_long_s", "B1",
       post("Transfer-Encoding: chun\xe2\x84\xaa"
            "ed\r\n",
            "0\r\n\r\n" + kHidden)},
      {"coding_blank_before_colon", "F1", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_tab_before_colon", "F1", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_blank_before_name", "B7", post(" Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_folded_value", "B7", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_folded_behind_other", "B7",
       post("X: y\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_after_bare_lf", "F1", post("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_after_bare_cr", "F1", post("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
      {"coding_after_nul", "F7", post("X: y\0Transfer-Encoding: chunked\r\n"s, "0\r\n\r\n" + kHidden)},
      {"coding_on_http10", "B2",
       "POST /public/a HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kHidden},
      {"coding_on_http10_keep_alive", "B2",
       "POST /public/a HTTP/1.0\r\nHost: t\r\nConnection: keep-alive\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n" +
           kHidden},
      {"lengths_differ", "B4", post("Content-Length: 5\r\nContent-Length: 0\r\n", five + kHidden)},
      {"lengths_equal", "B4", post("Content-Length: 5\r\nContent-Length: 5\r\n", five + kHidden)},
      {"length_list_equal", "B4", post("Content-Length: 5, 5\r\n", five + kHidden)},
      {"length_list_differs", "B4", post("Content-Length: 5,0\r\n", five + kHidden)},
      {"length_empty", "F7", post("Content-Length:\r\n", kHidden)},
      {"length_blank", "F7", post("Content-Length: \r\n", kHidden)},
      {"length_plus", "F7", post("Content-Length: +5\r\n", five + kHidden)},
      {"length_minus", "F7", post("Content-Length: -5\r\n", kHidden)},
      {"length_minus_zero", "F7", post("Content-Length: -0\r\n", kHidden)},
      {"length_hex", "F7", post("Content-Length: 0x5\r\n", five + kHidden)},
      {"length_fraction", "F7", post("Content-Length: 5.0\r\n", five + kHidden)},
      {"length_exponent", "F7", post("Content-Length: 1e1\r\n", five + kHidden)},
      {"length_underscore", "F7", post("Content-Length: 1_0\r\n", five + kHidden)},
      {"length_blank_inside", "F7", post("Content-Length: 5 5\r\n", five + kHidden)},
      {"length_semicolon", "F7", post("Content-Length: 5;\r\n", five + kHidden)},
      {"length_quoted", "F7", post("Content-Length: \"5\"\r\n", five + kHidden)},
      {"length_wraps_64_bits", "F7", post("Content-Length: 18446744073709551621\r\n", five + kHidden)},
      {"length_beyond_63_bits", "F7", post("Content-Length: 99999999999999999999999\r\n", five + kHidden)},
      {"length_arabic_digit", "F7", post("Content-Length: \xd9\xa5\r\n", five + kHidden)},
      {"length_nul_behind", "F7", post("Content-Length: 5\0\r\n"s, five + kHidden)},
      {"length_blank_before_colon", "F1", post("Content-Length : 5\r\n", five + kHidden)},
      {"length_folded", "B7", post("Content-Length:\r\n 5\r\n", five + kHidden)},
      {"first_line_folded", "B7", "GET /public/a HTTP/1.1\r\n Host: t\r\n\r\n"},
      {"fold_with_tab", "B7", get("X: a\r\n\tb\r\n")},
      {"fold_of_blanks_only", "B7", get("X: a\r\n \r\n")},
      {"bare_lf_everywhere", "F1", "GET /public/a HTTP/1.1\nHost: t\n\n" + kHidden},
      {"bare_lf_ends_head", "F1", "GET /public/a HTTP/1.1\r\nHost: t\r\n\n" + kHidden},
      {"bare_cr_ends_head", "F1", "GET /public/a HTTP/1.1\r\nHost: t\r\n\r" + kHidden},
      {"bare_cr_in_value", "F1", get("X: a\rb\r\n")},
      {"two_cr_before_lf", "F1", get("X: a\r\r\n")},
      {"cr_in_name", "F1", get("X\rY: a\r\n")},
      {"nul_in_value", "F7", get("X: a\0b\r\n"s)},
      {"nul_in_name", "F7", get("X\0Y: a\r\n"s)},
      {"nul_in_target", "F7", "GET /public/a\0b HTTP/1.1\r\nHost: t\r\n\r\n"s},
      {"control_in_value", "F7",
       get("X: a\x01"
           "b\r\n")},
      {"delete_in_value", "F7",
       get("X: a\x7f"
           "b\r\n")},
      {"empty_name", "F7", post(": x\r\nContent-Length: 5\r\n", five + kHidden)},
      {"line_without_colon", "F7", get("garbage\r\n")},
      {"name_with_blank", "F7", get("X Y: a\r\n")},
      {"name_with_bracket", "F7", get("X[Y]: a\r\n")},
      {"name_with_high_byte", "F7", get("X\xc3\xa9: a\r\n")},
      {"name_in_quotes", "F7", get("\"Content-Length\": 5\r\n")},
      {"simple_request", "F1", "GET /public/a\r\n\r\n"},
      {"two_blanks_in_line", "F1", "GET  /public/a HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"tab_in_line", "F1", "GET\t/public/a\tHTTP/1.1\r\nHost: t\r\n\r\n"},
      {"blank_behind_version", "F1", "GET /public/a HTTP/1.1 \r\nHost: t\r\n\r\n"},
      {"blank_before_method", "F1", " GET /public/a HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"blank_in_target", "F1", "GET /public/a b HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"two_versions", "F1", "GET /public/a HTTP/1.1 HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"lower_case_version", "F1", "GET /public/a http/1.1\r\nHost: t\r\n\r\n"},
      {"version_without_minor", "F1", "GET /public/a HTTP/1\r\nHost: t\r\n\r\n"},
      {"version_with_more_digits", "F1", "GET /public/a HTTP/1.10\r\nHost: t\r\n\r\n"},
      {"version_0_9", "F1", "GET /public/a HTTP/0.9\r\nHost: t\r\n\r\n", 505},
      {"version_1_2", "F1", "GET /public/a HTTP/1.2\r\nHost: t\r\n\r\n", 505},
      {"version_2_0", "F5", "GET /public/a HTTP/2.0\r\nHost: t\r\n\r\n", 505},
      {"http2_preface", "F5", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"method_with_separator", "B14", "G@T /public/a HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"method_quoted", "B14", "\"GET\" /public/a HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"method_empty", "B14", " /public/a HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"connect", "B14", "CONNECT t:80 HTTP/1.1\r\nHost: t:80\r\n\r\n", 501},
      {"connect_with_path", "B14", "CONNECT /public/a HTTP/1.1\r\nHost: t\r\n\r\n", 501},
      {"trace", "B14", "TRACE /public/a HTTP/1.1\r\nHost: t\r\n\r\n", 501},
      {"empty_lines_before", "F1", "\r\n\r\n\r\nGET /public/a HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"bare_lf_before", "F1", "\nGET /public/a HTTP/1.1\r\nHost: t\r\n\r\n"},
      {"unknown_expectation", "B13", post("Expect: 200-ok\r\nContent-Length: 5\r\n", five), 417},
      {"tls_hello", "F1", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s},
      {"nothing_but_blanks", "F1", "      \r\n\r\n"},
  };
}

std::vector<Refused> refused_chunks() {
  return {
      {"size_empty", "F1", chunked("\r\nhello\r\n0\r\n\r\n")},
      {"size_plus", "F1", chunked("+5\r\nhello\r\n0\r\n\r\n")},
      {"size_minus", "F1", chunked("-5\r\nhello\r\n0\r\n\r\n")},
      {"size_hex_prefix", "F1", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
      {"size_underscore", "F1", chunked("0_5\r\nhello\r\n0\r\n\r\n")},
      {"size_leading_blank", "F1", chunked(" 5\r\nhello\r\n0\r\n\r\n")},
      {"size_not_hex", "F1", chunked("g\r\nhello\r\n0\r\n\r\n")},
      {"size_wraps_64_bits", "F7", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"size_beyond_64_bits", "F7", chunked("ffffffffffffffffffffff\r\nhello\r\n0\r\n\r\n")},
      {"size_ends_in_bare_lf", "B6", chunked("5\nhello\r\n0\r\n\r\n")},
      {"size_ends_in_bare_cr", "B6", chunked("5\rhello\r\n0\r\n\r\n")},
      {"size_two_cr", "B6", chunked("5\r\r\nhello\r\n0\r\n\r\n")},
      {"data_longer_than_size", "F1", chunked("3\r\nhello\r\n0\r\n\r\n")},
      {"data_ends_in_bare_lf", "F1", chunked("5\r\nhello\n0\r\n\r\n")},
      {"data_without_end", "F1", chunked("5\r\nhello0\r\n\r\n")},
      {"extension_with_lf", "B6", chunked("5;a\nhello\r\n0\r\n\r\n")},
      {"extension_with_lf_in_quotes", "B6", chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")},
      {"extension_with_cr_in_quotes", "B6", chunked("5;a=\"\r\"\r\nhello\r\n0\r\n\r\n")},
      {"extension_with_nul", "B6", chunked("5;a=\0\r\nhello\r\n0\r\n\r\n"s)},
      {"extension_with_nul_in_quotes", "B6", chunked("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s)},
      {"extension_of_64_kib", "B6", chunked("5;" + std::string(65536, 'a') + "\r\nhello\r\n0\r\n\r\n")},
      {"size_of_many_zeros", "B6", chunked(std::string(65536, '0') + "5\r\nhello\r\n0\r\n\r\n")},
      {"last_chunk_bare_lf", "F1", chunked("5\r\nhello\r\n0\n\n" + kHidden)},
      {"trailer_folded", "B7", chunked("5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n")},
      {"trailer_bare_lf", "F1", chunked("5\r\nhello\r\n0\r\nX: a\n\r\n")},
      {"trailer_with_nul", "F7", chunked("5\r\nhello\r\n0\r\nX: a\0b\r\n\r\n"s)},
      {"trailer_without_colon", "F7", chunked("5\r\nhello\r\n0\r\ngarbage\r\n\r\n")},
      {"trailer_with_blank_before_colon", "F7", chunked("5\r\nhello\r\n0\r\nX : a\r\n\r\n")},
      {"trailers_too_many", "B5",
       [] {
         std::string trailers;
         for (int i = 0; i < 40; ++i) trailers += "X-" + std::to_string(i) + ": a\r\n";
         return chunked("5\r\nhello\r\n0\r\n" + trailers + "\r\n");
       }()},
      {"trailers_too_long", "B5", chunked("5\r\nhello\r\n0\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n")},
  };
}

class RefusedHead : public WorldTable<Refused> {};
class RefusedChunk : public WorldTable<Refused> {};

TEST_P(RefusedHead, IsAnsweredOnceAndReachesNobody) {
  const std::size_t before = world().open.requests().size() + world().guarded.requests().size();
  const Talk talk = world().talk(GetParam().bytes);
  EXPECT_EQ(talk.responses.size(), 1u) << talk.leftover;
  EXPECT_EQ(talk.status(), GetParam().status) << GetParam().id;
  EXPECT_TRUE(talk.closed) << GetParam().id << ": a framing error must end the connection";
  if (!talk.responses.empty() && talk.status() != 408) {
    EXPECT_EQ(talk.responses[0].header("Connection"), "close");
    EXPECT_EQ(talk.responses[0].header("Sallyport-Response"), "1");
  }
  EXPECT_EQ(world().open.requests().size() + world().guarded.requests().size(), before);
  world().expect_canary(GetParam().name);
}

// The head of such a request may have travelled already: the origin must never take it for a whole one.
TEST_P(RefusedChunk, NeverBecomesAWholeRequest) {
  const std::size_t before = world().open.requests().size();
  const Talk talk = world().talk(GetParam().bytes);
  EXPECT_EQ(talk.responses.size(), 1u) << talk.leftover;
  EXPECT_EQ(talk.status(), GetParam().status) << GetParam().id;
  EXPECT_TRUE(talk.closed) << GetParam().id;
  world().expect_canary(GetParam().name);
  const auto requests = world().open.requests();
  for (std::size_t i = before; i < requests.size(); ++i)
    if (requests[i].method == "POST") {
      EXPECT_FALSE(requests[i].complete) << requests[i].raw;
    }
  EXPECT_TRUE(world().seen("smuggled").empty());
}

INSTANTIATE_TEST_SUITE_P(Smuggling, RefusedHead, ::testing::ValuesIn(refused_heads()), RowName());
INSTANTIATE_TEST_SUITE_P(Smuggling, RefusedChunk, ::testing::ValuesIn(refused_chunks()), RowName());

// --- Passed: allowed beside the tricks; the origin sees exactly one clean framing. ---

struct Passed {
  const char* name;
  const char* id;
  std::string bytes;
  std::string body;  // what the origin must have decoded
};

std::vector<Passed> passed() {
  return {
      {"length", "F3", post("Content-Length: 5\r\n", "hello"), "hello"},
      {"length_with_leading_zeros", "F3", post("Content-Length: 0005\r\n", "hello"), "hello"},
      {"length_with_blanks_around", "F3", post("Content-Length: \t 5 \t\r\n", "hello"), "hello"},
      {"chunked", "F3", chunked("5\r\nhello\r\n0\r\n\r\n"), "hello"},
      {"chunked_in_capitals", "F3", post("Transfer-Encoding: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"),
       "hello"},
      {"chunked_many_pieces", "F3", chunked("1\r\nh\r\n04\r\nello\r\n000\r\n\r\n"), "hello"},
      {"chunk_extension", "B6", chunked("5;name=value;q=\"a;b\"\r\nhello\r\n0;last\r\n\r\n"), "hello"},
      {"trailers", "B5",
       chunked("5\r\nhello\r\n0\r\nX-Trailer: t\r\nContent-Length: 99\r\nHost: evil\r\n\r\n"), "hello"},
      {"one_empty_line_before", "F1", "\r\n" + post("Content-Length: 5\r\n", "hello"), "hello"},
      {"names_with_underscores", "H1",
       post("Content_Length: 9\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\n", "hello"), "hello"},
      {"value_with_high_bytes", "F1", post("X: caf\xc3\xa9\r\nContent-Length: 5\r\n", "hello"), "hello"},
      {"body_that_looks_like_a_request", "F2",
       post("Content-Length: " + std::to_string(kHidden.size()) + "\r\n", kHidden), kHidden},
      {"get_with_a_body", "F2", get("Content-Length: " + std::to_string(kHidden.size()) + "\r\n") + kHidden,
       kHidden},
      {"unknown_method", "B14", "BREW /public/a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
       "hello"},
      {"http10_with_length", "B2", "POST /public/a HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", "hello"},
      {"h2c_upgrade_is_not_passed_on", "F5",
       post("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
            "AAMAAABk\r\nContent-Length: 5\r\n",
            "hello"),
       "hello"},
  };
}

class PassedRequest : public WorldTable<Passed> {};

TEST_P(PassedRequest, ReachesTheOriginReframed) {
  const std::size_t before = world().open.requests().size();
  const Talk talk = world().talk(GetParam().bytes, 1, false);
  ASSERT_EQ(talk.status(), 200) << talk.leftover;
  const auto requests = world().open.requests();
  ASSERT_EQ(requests.size(), before + 1);
  const RecordedRequest& seen = requests.back();
  EXPECT_EQ(seen.body, GetParam().body) << GetParam().id;
  EXPECT_TRUE(seen.complete);
  EXPECT_EQ(seen.target, "/public/a");
  EXPECT_EQ(seen.headers.count("Content-Length") + seen.headers.count("Transfer-Encoding"), 1u) << seen.raw;
  EXPECT_EQ(seen.headers.count("Host"), 1u);
  EXPECT_EQ(seen.trailers.size(), 0u) << seen.raw;
  for (const char* gone : {"Content_Length", "Transfer_Encoding", "Upgrade", "HTTP2-Settings", "Connection"})
    EXPECT_FALSE(seen.headers.has(gone)) << seen.raw;
  EXPECT_EQ(seen.raw.find("name=value"), std::string::npos) << "a chunk extension travelled on";
  EXPECT_TRUE(world().guarded.requests("/private/smuggled").empty());
}

INSTANTIATE_TEST_SUITE_P(Smuggling, PassedRequest, ::testing::ValuesIn(passed()), RowName());

// --- Early answers: what follows them is never a request (F2). ---

struct Early {
  const char* name;
  std::string head;  // without framing
  int status;
};

class EarlyAnswer : public WorldTable<Early> {};

TEST_P(EarlyAnswer, NeverTakesTheBodyForARequest) {
  const std::string length = "Content-Length: " + std::to_string(kHidden.size()) + "\r\n\r\n";
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", kHidden.size());
  const std::string pieces = "Transfer-Encoding: chunked\r\n\r\n" + (size + kHidden) + "\r\n0\r\n\r\n";
  for (const std::string& rest : {length + kHidden, pieces}) {
    HttpConnection connection(world().port());
    connection.send(GetParam().head + rest + get(""));
    auto first = connection.read_response();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->status, GetParam().status);
    // Either the connection ends here, or the body was read and the next request is the next one.
    if (first->header("Connection") == "close") {
      EXPECT_TRUE(connection.closed_by_peer());
      EXPECT_FALSE(connection.read_response());
    } else {
      auto second = connection.read_response();
      ASSERT_TRUE(second);
      EXPECT_EQ(second->text("target"), "/public/a");
    }
  }
  // The body comes a moment later than the head.
  HttpConnection connection(world().port());
  connection.send(GetParam().head + length);
  auto first = connection.read_response();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, GetParam().status);
  connection.send(kHidden + get(""));
  EXPECT_EQ(first->header("Connection"), "close");
  EXPECT_TRUE(connection.closed_by_peer());
  EXPECT_FALSE(connection.read_response());
  EXPECT_TRUE(world().guarded.requests("/private/smuggled").empty());
}

INSTANTIATE_TEST_SUITE_P(
    Smuggling, EarlyAnswer,
    ::testing::Values(
        Early{"no_token", "POST /private/a HTTP/1.1\r\nHost: t\r\n", 401},
        Early{"get_without_token", "GET /private/a HTTP/1.1\r\nHost: t\r\n", 401},
        Early{"malformed_token", "POST /private/a HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer\r\n", 400},
        Early{"no_route", "POST /nowhere HTTP/1.1\r\nHost: t\r\n", 404},
        Early{"wrong_method", "PUT /post-only/a HTTP/1.1\r\nHost: t\r\n", 405},
        Early{"bad_path", "POST /public/../private HTTP/1.1\r\nHost: t\r\n", 400},
        Early{"head_request", "DELETE /nowhere HTTP/1.1\r\nHost: t\r\n", 404},
        Early{"expects_continue", "POST /private/a HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n", 401}),
    RowName());

class Pipelining : public WorldTest {};

// F3: the second request never begins with bytes of the first one's body.
TEST_F(Pipelining, KeepsEachRequestApart) {
  const std::string bytes =
      post("Content-Length: 5\r\n", "GET /") + "GET /public/two HTTP/1.1\r\nHost: t\r\n\r\n" +
      chunked("4\r\nPOST\r\n0\r\n\r\n") + "GET /public/four HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::size_t before = world().open.requests().size();
  const Talk talk = world().talk(bytes, 4, false);
  ASSERT_EQ(talk.responses.size(), 4u) << talk.leftover;
  const auto requests = world().open.requests();
  ASSERT_EQ(requests.size(), before + 4);
  EXPECT_EQ(requests[before].body, "GET /");
  EXPECT_EQ(requests[before + 1].target, "/public/two");
  EXPECT_EQ(requests[before + 2].body, "POST");
  EXPECT_EQ(requests[before + 3].target, "/public/four");
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(talk.responses[i].text("target"), requests[before + i].target);
}

// F1: the good request before a broken one is served, the broken one refused, nothing behind it parsed.
TEST_F(Pipelining, StopsAtTheFirstBrokenRequest) {
  const Talk talk = world().talk(get("") + get("X : y\r\n") + kHidden, 3);
  ASSERT_EQ(talk.responses.size(), 2u);
  EXPECT_EQ(talk.status(0), 200);
  EXPECT_EQ(talk.status(1), 400);
  EXPECT_TRUE(talk.closed);
  EXPECT_TRUE(world().guarded.requests("/private/smuggled").empty());
}

// F3: what a client began and didn't finish is never completed on its behalf.
TEST_F(Pipelining, AnAbortedBodyNeverBecomesAWholeRequest) {
  for (const std::string& begun :
       {post("Content-Length: 100\r\n", "half"), chunked("64\r\nhalf"), chunked("4\r\nhalf\r\n")}) {
    const std::size_t before = world().open.requests().size();
    HttpConnection connection(world().port());
    connection.send(begun);
    connection.end_writing();
    EXPECT_TRUE(connection.closed_by_peer());
    world().expect_canary("an aborted body");
    const auto requests = world().open.requests();
    for (std::size_t i = before; i < requests.size(); ++i)
      if (requests[i].method == "POST") {
        EXPECT_FALSE(requests[i].complete) << requests[i].raw;
      }
  }
}

}  // namespace
}  // namespace sallyport::testing
