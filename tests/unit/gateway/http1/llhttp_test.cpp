// Every strict-mode case of llhttp's own suite: where llhttp refuses, we refuse. Where we refuse more, or
// read on where llhttp stops, the case stands in a table below with its reason; a case that is in no table
// must agree.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "gateway/http1/reader.hpp"

namespace sallyport::http1 {
namespace {

struct Case {
  std::string name;  // file: heading
  std::string type;  // request, response-lenient-...
  std::string input;
  bool error = false;  // llhttp's log ends in an error
};

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// As llhttp's test driver does it.
std::string bytes_of(std::string block) {
  if (!block.empty() && block.back() == '\n') block.pop_back();
  block = replace_all(block, "\\\n", "");
  block = replace_all(block, "\n", "\r\n");
  block = replace_all(block, "\\r", "\r");
  block = replace_all(block, "\\n", "\n");
  block = replace_all(block, "\\t", "\t");
  block = replace_all(block, "\\f", "\f");
  static const std::regex hex("\\\\x([0-9a-fA-F]+)");
  std::string out;
  std::sregex_iterator it(block.begin(), block.end(), hex), end;
  std::size_t last = 0;
  for (; it != end; ++it) {
    out += block.substr(last, static_cast<std::size_t>(it->position()) - last);
    out += static_cast<char>(std::stoi((*it)[1], nullptr, 16));
    last = static_cast<std::size_t>(it->position() + it->length());
  }
  return out + block.substr(last);
}

// 21 and 22 are llhttp's pauses (of a callback, for an upgrade), not refusals.
bool ends_in_error(const std::string& log) {
  static const std::regex error(" error code=(?!21 |22 )");
  return std::regex_search(log, error);
}

std::vector<Case> read_cases(const std::string& folder) {
  std::vector<Case> cases;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SALLYPORT_TEST_DATA) + "/vectors/llhttp/" + folder)) {
    std::ifstream file(entry.path());
    std::string line, heading, type, block;
    static const std::regex meta("\"type\"\\s*:\\s*\"([^\"]+)\"");
    std::string* into = nullptr;
    std::string log;
    bool skip = false;
    while (std::getline(file, line)) {
      if (into && line == "```") {
        if (into == &log)
          if (!skip)
            cases.push_back(
                {entry.path().stem().string() + ": " + heading, type, bytes_of(block), ends_in_error(log)});
        into = nullptr;
      } else if (into) {
        *into += line + "\n";
      } else if (line.rfind("#", 0) == 0) {
        heading = line.substr(line.find(' ') + 1);
      } else if (line.find("meta=") != line.npos) {
        std::smatch match;
        if (std::regex_search(line, match, meta)) type = match[1];
        // These drive llhttp's callbacks, not its grammar.
        skip = line.find("pause") != line.npos || line.find("skipBody") != line.npos;
      } else if (line == "```http") {
        block.clear();
        into = &block;
      } else if (line == "```log") {
        log.clear();
        into = &log;
      }
    }
  }
  return cases;
}

template <class Reader>
bool wants_stop(const Reader& reader) {
  if constexpr (std::is_same_v<Reader, RequestReader>)
    return reader.head().upgrade || !reader.head().keep_alive;
  else
    return reader.head().status == 101;
}

struct Verdict {
  bool refused = false;
  bool unfinished = false;
  std::string code;
};

// Reads one message after the other; `step` bytes arrive at a time.
template <class Reader>
Verdict judge(Reader& reader, const std::string& input, std::size_t step, auto reset) {
  std::size_t at = 0, received = 0;
  while (at < input.size()) {
    reset();
    HeadStep head;
    while (head.progress == Progress::need_more && received < input.size()) {
      received = std::min(input.size(), std::max(received, at) + step);
      head = reader.read_head(std::string_view(input).substr(at, received - at));
    }
    if (head.progress == Progress::need_more) head = reader.read_head(std::string_view(input).substr(at));
    if (head.progress == Progress::refused) return {true, false, std::string(head.refusal.code)};
    if (head.progress == Progress::need_more) return {false, true, ""};
    at += head.consumed;
    while (true) {
      const BodyStep body = reader.read_body(std::string_view(input).substr(at, std::max(received, at) - at));
      if (body.progress == Progress::refused) return {true, false, std::string(body.refusal.code)};
      at += body.consumed;
      if (body.progress == Progress::complete) break;
      if (body.consumed > 0) continue;
      if (received >= input.size()) return {false, true, ""};
      received = std::min(input.size(), std::max(received, at) + step);
    }
    if (wants_stop(reader)) return {};
  }
  return {};
}

Verdict judge_request(const std::string& input, std::size_t step) {
  RequestReader reader({});
  return judge(reader, input, step, [&] { reader.reset(); });
}

Verdict judge_response(const std::string& input, std::size_t step) {
  ResponseReader reader({});
  return judge(reader, input, step, [&] { reader.reset(false); });
}

std::string word(const Verdict& verdict) {
  return verdict.refused ? "refused " + verdict.code : verdict.unfinished ? "unfinished" : "accepted";
}

// llhttp asks for no Host; ours does. So that these cases reach what they are about, they get one.
std::string with_host(const std::string& input) {
  static const std::regex has_host("\r\nhost:", std::regex::icase);
  if (std::regex_search(input, has_host)) return input;
  static const std::regex absolute(" http://([^/? ]+)");
  std::smatch match;
  const std::string host = std::regex_search(input, match, absolute) ? match[1].str() : "h";
  return replace_all(input, " HTTP/1.1\r\n", " HTTP/1.1\r\nHost: " + host + "\r\n");
}

using Differences = std::map<std::string, std::string>;

void compare(const std::string& folder, Verdict (*judge_bytes)(const std::string&, std::size_t),
             const Differences& stricter, const Differences& reads_on) {
  std::size_t strict = 0;
  for (const Case& one : read_cases(folder)) {
    std::string input = with_host(one.input);
    Verdict verdict = judge_bytes(input, input.size());
    if (one.error && verdict.unfinished) {  // fields are judged when the head is whole: end it
      input += "\r\n\r\n";
      verdict = judge_bytes(input, input.size());
    }
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}})
      EXPECT_EQ(word(judge_bytes(input, step)), word(verdict)) << one.name << ": a cut changed the verdict";
    if (one.type != folder) continue;  // lenient readings are below
    ++strict;
    if (one.error) {
      EXPECT_TRUE(verdict.refused || reads_on.count(one.name))
          << one.name << ": llhttp refuses, we said " << word(verdict);
    } else {
      EXPECT_TRUE(!verdict.refused || stricter.count(one.name))
          << one.name << ": llhttp accepts, we said " << word(verdict);
    }
  }
  EXPECT_GT(strict, 50u) << "the cases weren't found";
}

const Differences kStricterRequests{
    {"method: CONNECT request", "no tunnels: 501"},
    {"method: CONNECT request with CAPS", "no tunnels: 501"},
    {"method: CONNECT with body", "no tunnels: 501"},
    {"uri: Underscore in hostname", "CONNECT: 501"},
    {"sample: curl GET", "Host: 0.0.0.0=5000 is no host"},
    {"sample: Firefox GET", "Host: 0.0.0.0=5000 is no host"},
    {"sample: No HTTP version", "HTTP/0.9"},
    {"method: M-SEARCH request", "`*` is for OPTIONS"},
    {"method: SOURCE request with ICE", "not HTTP"},
    {"method: OPTIONS request with RTSP", "not HTTP"},
    {"method: ANNOUNCE request with RTSP", "not HTTP"},
    {"transfer-encoding: POST with `chunked` as last transfer-encoding",
     "a fragment in the target; also not `chunked` alone"},
    {"transfer-encoding: POST with `chunked` as last transfer-encoding (multiple headers)",
     "a fragment in the target; also two fields"},
    {"connection: CRLF between requests, implicit `keep-alive`",
     "two empty lines: RFC 9112 2.2 asks for one"},
    {"uri: Fragment in URI", "CVE-2023-45539, CVE-2021-32779"},
    {"uri: `host:port` and basic auth", "userinfo in the target (RFC 9110 4.2.4)"},
};

const Differences kRequestsThatWeRead{
    {"invalid: HTTP protocol and ANNOUNCE method", "any token is a method: the route's `methods` decides"},
    {"invalid: Invalid method", "any token is a method: the route's `methods` decides"},
    {"connection: No restart when keep-alive is off (1.0)",
     "bytes after a last message: the connection is closed, they are never read"},
    {"connection: CRLF between requests, explicit `close`", "as above"},
    {"connection: CRLF between requests, explicit `close` followed by tab", "as above"},
};

const Differences kStricterResponses{
    {"sample: RTSP response", "not HTTP"},
    {"sample: ICE response", "not HTTP"},
    {"sample: HTTP version 0.9", "1.0 and 1.1 only"},
    {"sample: No reason phrase", "no SP behind the status (RFC 9112 4: it is required)"},
    {"sample: Response starting with CRLF", "bytes before a status line: an odd answer (F4)"},
    {"transfer-encoding: `chunked` before other transfer-encoding", "one coding, `chunked`"},
    {"transfer-encoding: multiple transfer-encoding where chunked is not the last one",
     "one coding, `chunked`"},
    {"transfer-encoding: `chunkedchunked` transfer-encoding does not enable chunked enconding",
     "one coding, `chunked`"},
    {"connection: HTTP 304 with Content-Length", "bytes before the second status line (F4)"},
    {"connection: HTTP 100 first, then 400", "bytes before the second status line (F4)"},
    {"pipelining: Should parse multiple events", "bytes before the second status line (F4)"},
};

const Differences kResponsesThatWeRead{
    {"connection: HTTP/1.1 with keep-alive disabled and 204 status",
     "bytes after a last message: keep_alive is false, they are never read"},
    {"connection: HTTP/1.1 with keep-alive disabled, content-length", "as above"},
};

TEST(Llhttp, RequestsAgreeOrAreListed) {
  compare("request", judge_request, kStricterRequests, kRequestsThatWeRead);
}

TEST(Llhttp, ResponsesAgreeOrAreListed) {
  compare("response", judge_response, kStricterResponses, kResponsesThatWeRead);
}

// What llhttp reads only when told to be lenient, we never read.
void refuses_lenient(const std::string& folder, Verdict (*judge_bytes)(const std::string&, std::size_t),
                     const Differences& read) {
  std::size_t seen = 0;
  for (const Case& one : read_cases(folder)) {
    if (one.type.find("-lenient-") == one.type.npos) continue;
    ++seen;
    const std::string input = with_host(one.input);
    const Verdict verdict = judge_bytes(input, input.size());
    EXPECT_TRUE(verdict.refused || read.count(one.name))
        << one.name << " (" << one.type << "): we said " << word(verdict);
  }
  EXPECT_GT(seen, 5u);
}

TEST(Llhttp, LenientRequestsAreRefused) {
  refuses_lenient("request", judge_request,
                  {
                      {"connection: Resetting flags when keep-alive is off (1.0, lenient)",
                       "the second message is never read"},
                      {"connection: CRLF between requests, explicit `close` (lenient)",
                       "the second message is never read"},
                  });
}

TEST(Llhttp, LenientResponsesAreRefused) {
  refuses_lenient("response", judge_response,
                  {
                      {"connection: HTTP/1.1 with keep-alive disabled, content-length (lenient)",
                       "what follows is never read"},
                      {"connection: HTTP/1.1 with keep-alive disabled and 204 status (lenient)",
                       "what follows is never read"},
                  });
}

}  // namespace
}  // namespace sallyport::http1
