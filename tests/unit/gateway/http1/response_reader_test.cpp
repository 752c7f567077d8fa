// Upstream answers are as hostile as requests (F6): what is framed how, and what is refused as 502.
#include <gtest/gtest.h>

#include <string>

#include "gateway/http1/reader.hpp"

namespace sallyport::http1 {
namespace {

using gateway::Framing;

std::string answer(const std::string& start, const std::string& fields) {
  return start + "\r\n" + fields + "\r\n";
}

struct Good {
  const char* name;
  std::string bytes;
  bool to_head;
  Framing framing;
  bool keep_alive;
};

void PrintTo(const Good& row, std::ostream* out) { *out << row.name; }

class GoodResponse : public testing::TestWithParam<Good> {};

TEST_P(GoodResponse, IsFramedAsRfc9112Section63Says) {
  ResponseReader reader({});
  reader.reset(GetParam().to_head);
  const HeadStep step = reader.read_head(GetParam().bytes);
  ASSERT_EQ(step.progress, Progress::complete) << step.refusal.code;
  EXPECT_EQ(reader.head().framing, GetParam().framing);
  EXPECT_EQ(reader.head().keep_alive, GetParam().keep_alive);
}

INSTANTIATE_TEST_SUITE_P(
    Framing, GoodResponse,
    testing::Values(
        Good{"length", answer("HTTP/1.1 200 OK", "Content-Length: 5\r\n"), false, Framing::length, true},
        Good{"length_zero", answer("HTTP/1.1 200 OK", "Content-Length: 0\r\n"), false, Framing::length, true},
        Good{"chunked", answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n"), false, Framing::chunked,
             true},
        Good{"close", answer("HTTP/1.1 200 OK", ""), false, Framing::until_close, false},
        Good{"says_close", answer("HTTP/1.1 200 OK", "Content-Length: 5\r\nConnection: close\r\n"), false,
             Framing::length, false},
        Good{"http10", answer("HTTP/1.0 200 OK", "Content-Length: 5\r\n"), false, Framing::length, false},
        Good{"http10_keeps", answer("HTTP/1.0 200 OK", "Content-Length: 5\r\nConnection: keep-alive\r\n"),
             false, Framing::length, true},
        Good{"empty_reason", answer("HTTP/1.1 200 ", "Content-Length: 5\r\n"), false, Framing::length, true},
        Good{"to_head", answer("HTTP/1.1 200 OK", "Content-Length: 5\r\n"), true, Framing::none, true},
        Good{"to_head_chunked", answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n"), true,
             Framing::none, true},
        Good{"to_head_bare", answer("HTTP/1.1 200 OK", ""), true, Framing::none, true},
        Good{"no_content", answer("HTTP/1.1 204 No Content", ""), false, Framing::none, true},
        Good{"no_content_with_length", answer("HTTP/1.1 204 No Content", "Content-Length: 5\r\n"), false,
             Framing::none, false},
        Good{"no_content_length_zero", answer("HTTP/1.1 204 No Content", "Content-Length: 0\r\n"), false,
             Framing::none, true},
        Good{"not_modified", answer("HTTP/1.1 304 Not Modified", "Content-Length: 5\r\n"), false,
             Framing::none, true},
        Good{"continue", answer("HTTP/1.1 100 Continue", ""), false, Framing::none, true},
        Good{"early_hints", answer("HTTP/1.1 103 Early Hints", "Link: </a>\r\n"), false, Framing::none, true},
        Good{"switch", answer("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket\r\n"), false,
             Framing::none, false}),
    [](const auto& row) { return row.param.name; });

struct Bad {
  const char* name;
  std::string bytes;
};

void PrintTo(const Bad& row, std::ostream* out) { *out << row.name; }

class BadResponse : public testing::TestWithParam<Bad> {};

TEST_P(BadResponse, IsRefusedAs502) {
  ResponseReader reader({.head_size = 2048, .fields = 20});
  const HeadStep step = reader.read_head(GetParam().bytes);
  EXPECT_EQ(step.progress, Progress::refused);
  EXPECT_EQ(step.refusal.status, 502u);
  EXPECT_FALSE(step.refusal.code.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Framing, BadResponse,
    testing::Values(
        Bad{"length_and_chunked",
            answer("HTTP/1.1 200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
        Bad{"chunked_and_length",
            answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
        Bad{"equal_lengths", answer("HTTP/1.1 200 OK", "Content-Length: 5\r\nContent-Length: 5\r\n")},
        Bad{"two_lengths", answer("HTTP/1.1 200 OK", "Content-Length: 5\r\nContent-Length: 6\r\n")},
        Bad{"length_list", answer("HTTP/1.1 200 OK", "Content-Length: 5, 5\r\n")},
        Bad{"gzip", answer("HTTP/1.1 200 OK", "Transfer-Encoding: gzip\r\n")},
        Bad{"gzip_chunked", answer("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked\r\n")},
        Bad{"chunked_on_10", answer("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n")},
        Bad{"obs_fold", answer("HTTP/1.1 200 OK", "X: a\r\n b\r\nContent-Length: 0\r\n")},
        Bad{"bare_lf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        Bad{"nul", answer("HTTP/1.1 200 OK", "X: " + std::string("\0", 1) + "\r\n")},
        Bad{"empty_name", answer("HTTP/1.1 200 OK", ": a\r\n")},
        Bad{"blank_before_colon", answer("HTTP/1.1 200 OK", "Content-Length : 5\r\n")},
        Bad{"leading_empty_line", "\r\n" + answer("HTTP/1.1 200 OK", "Content-Length: 0\r\n")},
        Bad{"version", answer("HTTP/2.0 200 OK", "")}, Bad{"icy", answer("ICY 200 OK", "")},
        Bad{"status_two_digits", answer("HTTP/1.1 20 OK", "")},
        Bad{"status_four_digits", answer("HTTP/1.1 2000 OK", "")},
        Bad{"status_without_blank", answer("HTTP/1.1 200", "")},
        Bad{"status_is_all", answer("HTTP/1.1 ", "")}, Bad{"status_and_letter", answer("HTTP/1.1 200x", "")},
        Bad{"connection_of_two_words", answer("HTTP/1.1 200 OK", "Connection: keep alive\r\n")},
        Bad{"status_zero", answer("HTTP/1.1 000 OK", "")},
        Bad{"huge_head", answer("HTTP/1.1 200 OK", "X: " + std::string(3000, 'x') + "\r\n")},
        Bad{"huge_reason", "HTTP/1.1 200 " + std::string(3000, 'x')}),
    [](const auto& row) { return row.param.name; });

TEST(ResponseReader, EndsABodyOfUnknownLengthByTheClose) {
  ResponseReader reader({});
  ASSERT_EQ(reader.read_head(answer("HTTP/1.1 200 OK", "")).progress, Progress::complete);
  const BodyStep step = reader.read_body("all of it");
  EXPECT_EQ(step.progress, Progress::need_more);
  EXPECT_EQ(step.piece, "all of it");
  EXPECT_EQ(reader.end_of_stream().progress, Progress::complete);
}

TEST(ResponseReader, SeesEveryCut) {
  const std::string head = answer("HTTP/1.1 200 OK", "Content-Length: 5\r\n");
  for (std::size_t n = 0; n < head.size(); ++n) {
    ResponseReader reader({});
    ASSERT_EQ(reader.read_head(std::string_view(head).substr(0, n)).progress, Progress::need_more);
    EXPECT_EQ(reader.end_of_stream().refusal.code, "cut_head");
  }
  ResponseReader length({});
  ASSERT_EQ(length.read_head(head).progress, Progress::complete);
  EXPECT_EQ(length.read_body("four").progress, Progress::need_more);
  EXPECT_EQ(length.end_of_stream().refusal.status, 502u);
  ResponseReader chunked({});
  ASSERT_EQ(chunked.read_head(answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n")).progress,
            Progress::complete);
  EXPECT_EQ(chunked.read_body("4\r\nfour\r\n").piece, "four");
  EXPECT_EQ(chunked.end_of_stream().progress, Progress::refused);
  EXPECT_EQ(chunked.end_of_stream().refusal.code, "cut_body");
}

TEST(ResponseReader, RefusesABrokenChunkAs502) {
  ResponseReader reader({});
  ASSERT_EQ(reader.read_head(answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n")).progress,
            Progress::complete);
  EXPECT_EQ(reader.read_body("x\r\n").refusal.status, 502u);
}

// B12: the head of an interim answer is complete in itself; the final one follows in the same bytes.
TEST(ResponseReader, ReadsThroughInterimAnswers) {
  const std::string interim = answer("HTTP/1.1 103 Early Hints", "Content-Length: 5\r\n");
  const std::string bytes = interim + answer("HTTP/1.1 200 Fine", "Content-Length: 2\r\n") + "ok";
  ResponseReader reader({});
  HeadStep step = reader.read_head(bytes);
  ASSERT_EQ(step.progress, Progress::complete);
  EXPECT_EQ(reader.head().status, 103u);
  EXPECT_EQ(step.consumed, interim.size());
  reader.reset(false);
  step = reader.read_head(std::string_view(bytes).substr(interim.size()));
  ASSERT_EQ(step.progress, Progress::complete);
  EXPECT_EQ(reader.head().status, 200u);
  EXPECT_EQ(reader.head().reason, "Fine");
}

TEST(ResponseReader, KeepsTrailersApartFromTheHead) {
  ResponseReader reader({});
  ASSERT_EQ(reader.read_head(answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n")).progress,
            Progress::complete);
  EXPECT_EQ(reader.read_body("0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n").progress, Progress::complete);
  EXPECT_EQ(reader.head().fields.size(), 1u) << "B5";
  ASSERT_EQ(reader.trailers().size(), 2u);
  EXPECT_EQ(reader.trailers()[0].value, "1");
}

}  // namespace
}  // namespace sallyport::http1
