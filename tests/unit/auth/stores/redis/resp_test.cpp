// The codec: binary-safe commands, replies cut anywhere, and limits on what a server may make us hold.
#include "auth/stores/redis/resp.hpp"

#include <gtest/gtest.h>

namespace sallyport::stores::redis {
namespace {

std::optional<Reply> read_one(ReplyReader& reader, std::string_view bytes) {
  reader.feed(bytes);
  auto next = reader.next();
  if (!next) return std::nullopt;
  return *next;
}

bool is_refused(std::string_view bytes, ReplyLimits limits = {}) {
  ReplyReader reader(limits);
  reader.feed(bytes);
  return !reader.next();
}

TEST(Encode, KeepsEveryByteOfAnArgument) {
  const std::string hard("a\0\r\n%s\xff", 7);
  EXPECT_EQ(encode({"SET", hard, ""}), "*3\r\n$3\r\nSET\r\n$7\r\n" + hard + "\r\n$0\r\n\r\n");
}

TEST(Encode, TakesAViewOfNothing) {
  EXPECT_EQ(encode({"GET", std::string_view()}), "*2\r\n$3\r\nGET\r\n$0\r\n\r\n");
}

TEST(ReplyReader, ReadsEveryTypeOfResp2) {
  ReplyReader whole;
  const std::string bytes =
      "*6\r\n+OK\r\n-ERR no\r\n:-42\r\n$3\r\n" + std::string("a\0b", 3) + "\r\n$-1\r\n*-1\r\n";
  const auto read = read_one(whole, bytes);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->elements.size(), 6u);
  EXPECT_EQ(read->elements[0].type, Reply::Type::status);
  EXPECT_TRUE(read->elements[1].is_error());
  EXPECT_EQ(read->elements[1].text, "ERR no");
  EXPECT_EQ(read->elements[2].integer, -42);
  EXPECT_EQ(read->elements[3].text, std::string("a\0b", 3));
  EXPECT_TRUE(read->elements[4].is_nil());
  EXPECT_TRUE(read->elements[5].is_nil());
}

TEST(ReplyReader, ReadsAReplyCutAtEveryByte) {
  const std::string bytes = "*2\r\n$5\r\nhello\r\n*2\r\n:7\r\n$-1\r\n";
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ReplyReader reader;
    EXPECT_FALSE(read_one(reader, bytes.substr(0, cut))) << cut;
    const auto reply = read_one(reader, bytes.substr(cut));
    ASSERT_TRUE(reply) << cut;
    EXPECT_EQ(reply->elements[0].text, "hello") << cut;
    EXPECT_EQ(reply->elements[1].elements[0].integer, 7) << cut;
  }
}

// SECURITY 6: a limit on elements, whatever hiredis allows (CVE-2021-32765).
TEST(ReplyReader, RefusesWhatIsTooLargeOrNotResp2) {
  struct Row {
    const char* name;
    std::string bytes;
  };
  std::string deep;
  for (int i = 0; i < 9; ++i) deep += "*1\r\n";
  const Row rows[] = {
      {"more elements than the limit", "*300000\r\n"},
      {"two billion elements", "*2147483647\r\n"},
      {"a negative count", "*-7\r\n"},
      {"nested too deep", deep},
      {"no type", "hello\r\n"},
      {"a map of RESP3", "%1\r\n+a\r\n+b\r\n"},
      {"a number that is none", ":12x\r\n"},
  };
  for (const Row& row : rows) EXPECT_TRUE(is_refused(row.bytes)) << row.name;
}

TEST(ReplyReader, CountsTheElementsOfAllLevels) {
  EXPECT_TRUE(is_refused("*2\r\n*6\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n*6\r\n", {.elements = 10}));
  EXPECT_FALSE(is_refused("*2\r\n*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n*4\r\n", {.elements = 10}));
}

TEST(ReplyReader, CountsTheElementsOfEachReplyAnew) {
  ReplyReader reader({.elements = 3});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(read_one(reader, "*3\r\n:1\r\n:2\r\n:3\r\n")) << i;
}

TEST(ReplyReader, RefusesAStringLargerThanItsLimit) {
  EXPECT_TRUE(is_refused("$100000\r\n" + std::string(2000, 'x'), {.bytes = 1000}));
}

}  // namespace
}  // namespace sallyport::stores::redis
