// The gateway's own answers: the table of CONTRACT section 3, row by row.
#include "gateway/replies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "gateway/date.hpp"

namespace sallyport::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::vector<std::string> kExpired{"Token-Expired", "IS-TOKEN-EXPIRED"};

std::string write(Verdict verdict, ReplyContext context = {}) {
  context.expired_names = kExpired;
  context.request_id = "rid";
  std::string out;
  append_reply(out, verdict, context);
  return out;
}

struct Row {
  Verdict verdict;
  const char *status, *error, *challenge;
};

TEST(Replies, FollowTheTable) {
  for (const Row& row :
       {Row{Verdict::token_missing, "401", "token_missing", "Bearer realm=\"sallyport\"\r\n"},
        Row{Verdict::token_malformed, "400", "token_malformed",
            "Bearer realm=\"sallyport\", error=\"invalid_request\"\r\n"},
        Row{Verdict::token_invalid, "401", "token_invalid",
            "Bearer realm=\"sallyport\", error=\"invalid_token\"\r\n"},
        Row{Verdict::token_expired, "401", "token_expired",
            "error=\"invalid_token\", error_description=\"The access token expired\"\r\n"},
        Row{Verdict::token_revoked, "401", "token_revoked",
            "error=\"invalid_token\", error_description=\"The access token was revoked\"\r\n"},
        Row{Verdict::forbidden, "403", "forbidden",
            "Bearer realm=\"sallyport\", error=\"insufficient_scope\"\r\n"},
        Row{Verdict::store_unavailable, "503", "store_unavailable", nullptr},
        Row{Verdict::upstream_unreachable, "502", "upstream_unreachable", nullptr},
        Row{Verdict::upstream_invalid, "502", "upstream_invalid", nullptr},
        Row{Verdict::upstream_timeout, "504", "upstream_timeout", nullptr},
        Row{Verdict::not_found, "404", "not_found", nullptr},
        Row{Verdict::internal_error, "500", "internal_error", nullptr}}) {
    const std::string out = write(row.verdict);
    EXPECT_THAT(out, StartsWith("HTTP/1.1 " + std::string(row.status) + " ")) << row.error;
    EXPECT_THAT(out, HasSubstr("Sallyport-Response: 1\r\n"));
    EXPECT_THAT(out, HasSubstr("Cache-Control: no-store\r\n"));
    if (row.challenge) {
      EXPECT_THAT(out, HasSubstr(row.challenge));
    } else {
      EXPECT_THAT(out, Not(HasSubstr("WWW-Authenticate")));
    }
    EXPECT_EQ(out.find("Token-Expired: true") != out.npos, row.verdict == Verdict::token_expired)
        << row.error;
    EXPECT_EQ(out.find("IS-TOKEN-EXPIRED: true") != out.npos, row.verdict == Verdict::token_expired)
        << row.error;
    EXPECT_EQ(out.find("Retry-After: ") != out.npos, row.status == std::string_view("503")) << row.error;
    const std::size_t end = out.find("\r\n\r\n") + 4;
    const auto body = boost::json::parse(out.substr(end)).as_object();
    EXPECT_EQ(body.at("error").as_string(), row.error);
    EXPECT_EQ(body.at("request_id").as_string(), "rid");
    EXPECT_TRUE(body.at("error_description").is_string());
    EXPECT_THAT(out, HasSubstr("Content-Length: " + std::to_string(out.size() - end) + "\r\n"));
  }
}

TEST(Replies, CarryWhatTheContextSays) {
  const std::string out = write(Verdict::method_not_allowed, {.date = "D",
                                                              .cors = "Vary: Origin\r\n",
                                                              .extra = "X: y\r\n",
                                                              .allow = "GET",
                                                              .to_head_request = true,
                                                              .keep_alive = true});
  for (const char* line : {"Date: D\r\n", "Vary: Origin\r\n", "X: y\r\n", "Allow: GET\r\n"})
    EXPECT_THAT(out, HasSubstr(line));
  EXPECT_THAT(out, Not(HasSubstr("Connection")));
  EXPECT_TRUE(out.ends_with("\r\n\r\n")) << "HEAD has no body";
  EXPECT_THAT(write(Verdict::bad_request), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(write(Verdict::store_unavailable, {.retry_after = 7}), HasSubstr("Retry-After: 7\r\n"));
  EXPECT_THAT(write(Verdict::not_found, {.keep_alive = true, .client_version = Version::http10}),
              HasSubstr("Connection: keep-alive\r\n"));
}

TEST(Replies, WriteAnswersWithoutABody) {
  std::string out;
  append_own_answer(out, 204, "", "", {.keep_alive = true});
  EXPECT_THAT(out, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("Content-")));
}

TEST(Replies, AnswerEveryRefusalOfTheReader) {
  for (const unsigned status : {400u, 408u, 413u, 414u, 417u, 431u, 501u, 502u, 505u})
    EXPECT_EQ(reply_for(verdict_for_status(status)).status, status);
}

// O2
TEST(JsonString, EscapesWhatIsNotPlainText) {
  for (const std::string& text :
       {std::string("a\"b\\c"), std::string("\r\n\t\0\x1f\x7f", 6),
        std::string("J\xc3\xb6rg \xf0\x9f\x98\x80"), std::string("\xff\xc0\xaf\xed\xa0\x80")}) {
    std::string out;
    append_json_string(out, text);
    EXPECT_NO_THROW(boost::json::parse(out)) << out;
  }
  std::string out;
  append_json_string(out, "a\"\n\xff");
  EXPECT_EQ(out, "\"a\\\"\\u000a\\ufffd\"");
}

TEST(Date, IsTheFixedForm) {
  EXPECT_EQ(imf_fixdate(UnixSeconds(std::chrono::seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(imf_fixdate(UnixSeconds(std::chrono::seconds(951782400))), "Tue, 29 Feb 2000 00:00:00 GMT");
}

}  // namespace
}  // namespace sallyport::gateway
