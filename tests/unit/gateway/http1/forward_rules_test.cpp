// What leaves towards the upstream and towards the client (SECURITY section 3: H1, H2, H4; CONTRACT section
// 3, 8).
#include "gateway/http1/forward_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/http1/reader.hpp"

namespace sallyport::http1 {
namespace {

using gateway::Framing;
using gateway::Version;
using testing::HasSubstr;
using testing::Not;

ForwardPolicy policy(void (*change)(config::Route&) = [](config::Route&) {}) {
  config::Route route;
  route.claims_to_headers = {{"tenant", "X-Tenant"}, {"lang", "Accept-Language"}};
  change(route);
  config::AuthEndpoints auth;
  auth.expired_header = {"Token-Expired", "IS-TOKEN-EXPIRED"};
  return ForwardPolicy::compile(route, auth);
}

std::string forward(const std::string& fields, const ForwardPolicy& rules = policy(),
                    ForwardContext context = {}, const std::string& start = "POST /ignored?x HTTP/1.1") {
  const std::string bytes = start + "\r\nHost: a.example\r\n" + fields + "\r\n";
  RequestReader reader({});
  const HeadStep step = reader.read_head(bytes);
  EXPECT_EQ(step.progress, Progress::complete) << step.refusal.code;
  if (context.path.empty()) context.path = "/p";
  std::string out;
  append_request_head(out, reader.head(), rules, context);
  return out;
}

TEST(ForwardRequest, RebuildsTheHead) {
  EXPECT_EQ(
      forward("Accept: */*\r\nContent-Length: 005\r\nCookie: a=b\r\n", policy(),
              {.path = "/p/%C3%A9",
               .query = "q=1",
               .has_query = true,
               .identity = "X-Auth-Subject: s\r\n",
               .provenance = "X-Request-Id: r\r\n"}),
      "POST /p/%C3%A9?q=1 HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nCookie: a=b\r\nX-Auth-Subject: s\r\n"
      "X-Request-Id: r\r\nVia: 1.1 sallyport\r\nContent-Length: 5\r\n\r\n");
}

TEST(ForwardRequest, WritesFramingAnew) {
  EXPECT_THAT(forward("Transfer-Encoding: CHUNKED\r\n"), HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_THAT(forward("Content-Length: 0\r\n"), HasSubstr("\r\nContent-Length: 0\r\n"));
  EXPECT_THAT(forward(""), Not(HasSubstr("Content-Length")));
}

// H1, and the framing twins of the same trick
TEST(ForwardRequest, DropsEverySpellingOfWhatOnlyWeAssert) {
  for (const char* name : {"X-Auth-Subject",
                           "x-auth-subject",
                           "X-AUTH-ROLES",
                           "X_Auth_Subject",
                           "X-Auth_Subject",
                           "x_auth_anything",
                           "X-Auth-",
                           "X-Tenant",
                           "x_tenant",
                           "Accept-Language",
                           "accept_language",
                           "Token-Expired",
                           "token_expired",
                           "Is-Token-Expired",
                           "IS_TOKEN_EXPIRED",
                           "Sallyport-Response",
                           "X-Forwarded-For",
                           "X_Forwarded_For",
                           "X-Forwarded-User",
                           "x-forwarded-groups",
                           "X-Forwarded-Prefix",
                           "Forwarded",
                           "X-Request-Id",
                           "X_Request_Id",
                           "X-Real-IP",
                           "Content_Length",
                           "Transfer_Encoding",
                           "Host_",
                           "Keep-Alive",
                           "Proxy-Authorization",
                           "Proxy-Connection",
                           "Proxy-Anything",
                           "TE",
                           "Trailer",
                           "Upgrade",
                           "Authorization",
                           "Authorization_",
                           "Expect_"}) {
    if (std::string_view(name).back() == '_') continue;  // folds to no name of ours
    const std::string out = forward(std::string(name) + ": evil\r\nX-Kept: 1\r\n");
    EXPECT_THAT(out, Not(HasSubstr("evil"))) << name;
    EXPECT_THAT(out, HasSubstr("X-Kept: 1\r\n")) << name;
  }
}

TEST(ForwardRequest, KeepsNamesThatOnlyLookAlike) {
  for (const char* name :
       {"X-Authority", "My-X-Auth-Subject", "X-Tenants", "User_Name", "Cookie", "Referer", "Via"})
    EXPECT_THAT(forward(std::string(name) + ": fine\r\n"), HasSubstr(": fine\r\n")) << name;
}

// H2
TEST(ForwardRequest, LetsConnectionRemoveOnlyWhatTheClientSent) {
  const std::string out = forward(
      "Connection: keep-alive, X-Hop, X-Auth-Subject, X-Request-Id, Host, Content-Length, Cookie\r\nX-Hop: "
      "1\r\nCookie: c\r\n"
      "Content-Length: 3\r\nconnection: x-other\r\nX-Other: 2\r\nX-Stays: 3\r\n",
      policy(), {.path = "/p", .identity = "X-Auth-Subject: s\r\n", .provenance = "X-Request-Id: r\r\n"});
  EXPECT_THAT(out, Not(HasSubstr("X-Hop")));
  EXPECT_THAT(out, Not(HasSubstr("X-Other")));
  EXPECT_THAT(out, Not(HasSubstr("onnection")));
  for (const char* kept : {"Host: a.example\r\n", "X-Auth-Subject: s\r\n", "X-Request-Id: r\r\n",
                           "Content-Length: 3\r\n", "Cookie: c\r\n", "X-Stays: 3\r\n"})
    EXPECT_THAT(out, HasSubstr(kept));
}

TEST(ForwardRequest, SendsAuthorizationOnlyWhereTheRouteSays) {
  EXPECT_THAT(forward("Authorization: Bearer t\r\n"), Not(HasSubstr("Bearer")));
  EXPECT_THAT(forward("Authorization: Bearer t\r\n",
                      policy([](config::Route& r) { r.forward_authorization = true; })),
              HasSubstr("Authorization: Bearer t\r\n"));
}

TEST(ForwardRequest, StripsThePrefixOfThePath) {
  EXPECT_THAT(forward("", policy([](config::Route& r) { r.strip_prefix = "/api"; }), {.path = "/api/x"}),
              HasSubstr("POST /x HTTP/1.1\r\n"));
}

TEST(ForwardRequest, AsksForAnUpgradeOrTrailersOnlyWhenTold) {
  const std::string asks =
      "Connection: Upgrade, TE\r\nUpgrade: websocket, h2c\r\nTE: trailers, gzip\r\nHTTP2-Settings: AAA\r\n";
  EXPECT_THAT(forward(asks), Not(HasSubstr("pgrade")));
  EXPECT_THAT(forward(asks, policy(), {.path = "/p", .upgrade = "websocket"}),
              HasSubstr("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  EXPECT_THAT(forward(asks, policy([](config::Route& r) { r.trailers = {"X-Sum"}; })),
              HasSubstr("Connection: TE\r\nTE: trailers\r\n"));
}

struct Answer {
  std::string text;
  ClientFraming framing;
};

Answer answer(const std::string& start, const std::string& fields, ResponseContext context = {},
              const ForwardPolicy& rules = policy()) {
  const std::string bytes = start + "\r\n" + fields + "\r\n";
  ResponseReader reader({});
  reader.reset(context.to_head_request);
  EXPECT_EQ(reader.read_head(bytes).progress, Progress::complete);
  Answer out;
  out.framing = append_response_head(out.text, reader.head(), rules, context);
  return out;
}

TEST(ForwardResponse, RebuildsTheHead) {
  const Answer out =
      answer("HTTP/1.1 201 Made",
             "Server: s\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Request-Id: theirs\r\n",
             {.request_id = "r", .date = "D"});
  EXPECT_EQ(out.text,
            "HTTP/1.1 201 Made\r\nServer: s\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Request-Id: r\r\nVia: 1.1 "
            "sallyport\r\n"
            "Date: D\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(out.framing.framing, Framing::length);
  EXPECT_TRUE(out.framing.keep_alive);
}

// H4
TEST(ForwardResponse, DropsHopByHopAndWhatOnlyWeSay) {
  const Answer out = answer(
      "HTTP/1.1 200 OK",
      "Connection: X-Hop\r\nX-Hop: evil\r\nKeep-Alive: evil\r\nToken-Expired: evil\r\ntoken_expired: evil\r\n"
      "IS-TOKEN-EXPIRED: evil\r\nSallyport-Response: evil\r\nUpgrade: evil\r\nProxy-Authenticate: evil\r\n"
      "Trailer: evil\r\nX-Fine: fine\r\nDate: theirs\r\nContent-Length: 0\r\n",
      {.date = "ours"});
  EXPECT_THAT(out.text, Not(HasSubstr("evil")));
  EXPECT_THAT(out.text, HasSubstr("X-Fine: fine"));
  EXPECT_THAT(out.text, Not(HasSubstr("ours")));
}

TEST(ForwardResponse, ReplacesCorsWhereTheRouteHasIt) {
  const std::string theirs = "Access-Control-Allow-Origin: *\r\nContent-Length: 0\r\n";
  EXPECT_THAT(answer("HTTP/1.1 200 OK", theirs).text, HasSubstr("Allow-Origin: *"));
  const Answer out = answer("HTTP/1.1 200 OK", theirs,
                            {.cors = "Access-Control-Allow-Origin: https://a\r\nVary: Origin\r\n"},
                            policy([](config::Route& r) { r.cors.origins = {"https://a"}; }));
  EXPECT_THAT(out.text, Not(HasSubstr("Allow-Origin: *")));
  EXPECT_THAT(out.text, HasSubstr("Access-Control-Allow-Origin: https://a\r\nVary: Origin\r\n"));
}

struct FramingRow {
  const char* name;
  const char* fields;
  Version client;
  bool to_head;
  Framing framing;
  bool keep_alive;
  const char* has;
};

TEST(ForwardResponse, FramesForTheClientsVersion) {
  for (const FramingRow& row : {FramingRow{"length", "Content-Length: 5\r\n", Version::http11, false,
                                           Framing::length, true, "Content-Length: 5\r\n"},
                                FramingRow{"length_10", "Content-Length: 5\r\n", Version::http10, false,
                                           Framing::length, true, "Connection: keep-alive\r\n"},
                                FramingRow{"chunked", "Transfer-Encoding: chunked\r\n", Version::http11,
                                           false, Framing::chunked, true, "Transfer-Encoding: chunked\r\n"},
                                FramingRow{"chunked_10", "Transfer-Encoding: chunked\r\n", Version::http10,
                                           false, Framing::until_close, false, "Connection: close\r\n"},
                                FramingRow{"close", "", Version::http11, false, Framing::chunked, true,
                                           "Transfer-Encoding: chunked\r\n"},
                                FramingRow{"close_10", "", Version::http10, false, Framing::until_close,
                                           false, "Connection: close\r\n"},
                                FramingRow{"head", "Content-Length: 5\r\n", Version::http11, true,
                                           Framing::none, true, "Content-Length: 5\r\n"},
                                FramingRow{"head_chunked", "Transfer-Encoding: chunked\r\n", Version::http11,
                                           true, Framing::none, true, "Via"}}) {
    const Answer out =
        answer("HTTP/1.1 200 OK", row.fields, {.client_version = row.client, .to_head_request = row.to_head});
    EXPECT_EQ(out.framing.framing, row.framing) << row.name;
    EXPECT_EQ(out.framing.keep_alive, row.keep_alive) << row.name;
    EXPECT_THAT(out.text, HasSubstr(row.has)) << row.name;
    if (row.client == Version::http10) {
      EXPECT_THAT(out.text, Not(HasSubstr("Transfer-Encoding"))) << row.name;
    }
  }
  EXPECT_THAT(answer("HTTP/1.1 204 No Content", "Content-Length: 5\r\n").text,
              Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer("HTTP/1.1 304 Not Modified", "Content-Length: 5\r\n").text,
              HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer("HTTP/1.1 200 OK", "Content-Length: 5\r\n", {.keep_alive = false}).text,
              HasSubstr("Connection: close\r\n"));
}

TEST(ForwardResponse, WritesInterimHeadsWithoutFraming) {
  EXPECT_EQ(answer("HTTP/1.1 103 Early Hints", "Link: </a>\r\nContent-Length: 5\r\n", {.date = "D"}).text,
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nVia: 1.1 sallyport\r\n\r\n");
  EXPECT_THAT(answer("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket\r\nConnection: Upgrade\r\n",
                     {.upgrade = "websocket"})
                  .text,
              HasSubstr("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

TEST(Chunks, AreWrittenWithTheAllowedTrailersOnly) {
  std::string out;
  append_chunk_head(out, 0xabc);
  EXPECT_EQ(out, "abc\r\n");
  out.clear();
  using gateway::FieldId;
  append_trailers(
      out,
      {{FieldId::other, "X-Sum", "1"},
       {FieldId::other, "X-Other", "2"},
       {FieldId::content_length, "Content-Length", "3"},
       {FieldId::other, "x_auth_roles", "admin"},
       {FieldId::other, "X-Tenant", "t"}},
      policy([](config::Route& r) { r.trailers = {"x-sum", "Content-Length", "X-Tenant", "X-Auth-Roles"}; }));
  EXPECT_EQ(out, "0\r\nX-Sum: 1\r\n\r\n");
}

}  // namespace
}  // namespace sallyport::http1
