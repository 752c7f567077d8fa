#include "gateway/observe/spans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "config/urls.hpp"
#include "gateway/replies.hpp"
#include "gateway/runtime.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kLongestPath = 1024;  // bytes; what goes beyond is cut
constexpr std::size_t kLongestHost = 255;
constexpr std::chrono::seconds kLongestPause{30};

enum class Kind : unsigned { server = 2, client = 3 };

std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;  // between characters
  return text.substr(0, most);
}

class Attributes {
 public:
  explicit Attributes(std::string& out) : out_(out) { out_ += ",\"attributes\":["; }
  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    out_ += "\"stringValue\":";
    append_json_string(out_, value);
    out_ += "}}";
  }
  void number(std::string_view key, std::uint64_t value) {
    begin(key);
    fmt::format_to(std::back_inserter(out_), "\"intValue\":\"{}\"}}}}", value);
  }
  void end() { out_ += ']'; }

 private:
  void begin(std::string_view key) {
    fmt::format_to(std::back_inserter(out_), "{}{{\"key\":\"{}\",\"value\":{{", first_ ? "" : ",", key);
    first_ = false;
  }
  std::string& out_;
  bool first_ = true;
};

// A stranger may invent methods; collectors count by this one.
std::string_view method_of(const RequestHead* head) {
  constexpr std::array<std::string_view, 9> kKnown{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  const bool known = head != nullptr && std::find(kKnown.begin(), kKnown.end(), head->method) != kKnown.end();
  return known ? head->method : "_OTHER";
}

// As in the metrics, but for what no route and no endpoint had.
std::string route_of(const RequestContext& context) {
  if (context.route != nullptr) return context.route->name;
  return context.endpoint.empty() ? std::string() : "@" + std::string(context.endpoint);
}

template <std::size_t N>
std::string_view view(const std::array<char, N>& id) {
  return {id.data(), N};
}

struct Times {
  UnixNanos start, end;
};

void begin_span(std::string& out, const Trace& trace, Kind kind, std::string_view name, const Times& times) {
  const bool root = kind == Kind::server && trace.caller.front() == '\0';
  const std::string_view parent = kind == Kind::client ? view(trace.server) : view(trace.caller);
  fmt::format_to(std::back_inserter(out), "{{\"traceId\":\"{}\",\"spanId\":\"{}\"", view(trace.id),
                 kind == Kind::client ? view(trace.client) : view(trace.server));
  if (!root) fmt::format_to(std::back_inserter(out), ",\"parentSpanId\":\"{}\"", parent);
  out += ",\"name\":";
  append_json_string(out, name);
  fmt::format_to(std::back_inserter(out),
                 ",\"kind\":{},\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\"",
                 static_cast<unsigned>(kind), times.start.time_since_epoch().count(),
                 times.end.time_since_epoch().count());
}

// What went wrong, in a word, and whether it was on our side.
void end_span(std::string& out, Attributes& attributes, unsigned status, std::string_view refusal) {
  const bool failed = status >= 500;
  attributes.text("error.type", refusal.empty() && failed ? std::to_string(status) : std::string(refusal));
  attributes.end();
  out += failed ? ",\"status\":{\"code\":2}}" : "}";
}

void append_server_span(std::string& out, const RequestContext& context, const RequestHead* head,
                        const Times& times) {
  const std::string_view method = method_of(head);
  const std::string route = route_of(context);
  std::string name(method == "_OTHER" ? "HTTP" : method);
  if (!route.empty()) name += " " + route;
  begin_span(out, context.trace, Kind::server, name, times);
  Attributes attributes(out);
  attributes.text("http.request.method", method);
  if (head != nullptr) {
    attributes.text("url.scheme", context.provenance.https ? "https" : "http");
    attributes.text("url.path", cut(context.path.empty() ? head->raw_path : context.path, kLongestPath));
    attributes.text("server.address", cut(head->host, kLongestHost));
  }
  attributes.text("http.route", route);
  if (context.status != 0) attributes.number("http.response.status_code", context.status);
  attributes.text("sallyport.request_id", context.provenance.request_id);
  end_span(out, attributes, context.status, context.refusal);
}

void append_client_span(std::string& out, const RequestContext& context, const RequestHead* head,
                        const Times& times) {
  const std::string_view method = method_of(head);
  const bool answered = context.upstream_answered != SteadyTime{};
  begin_span(out, context.trace, Kind::client, method == "_OTHER" ? "HTTP" : method, times);
  Attributes attributes(out);
  attributes.text("http.request.method", method);
  if (context.route != nullptr) attributes.text("sallyport.upstream", context.route->config->upstream);
  if (const auto server = config::parse_server(context.server)) {
    attributes.text("server.address", server->unix_path.empty() ? server->host : server->unix_path);
    if (server->unix_path.empty()) attributes.number("server.port", server->port);
  }
  if (answered) attributes.number("http.response.status_code", context.status);
  if (context.attempts > 1) attributes.number("http.request.resend_count", context.attempts - 1);
  end_span(out, attributes, context.status, answered ? std::string_view() : context.refusal);
}

}  // namespace

unsigned append_spans(std::string& out, const RequestContext& context, const RequestHead* head,
                      const SpanEnd& end) {
  const auto at = [&](SteadyTime moment) { return end.time - (end.ended - moment); };
  append_server_span(out, context, head, {at(context.began), end.time});
  if (context.upstream_asked == SteadyTime{}) return 1;
  const bool answered = context.upstream_answered != SteadyTime{};
  out += ',';
  append_client_span(out, context, head,
                     {at(context.upstream_asked), answered ? at(context.upstream_answered) : end.time});
  return 2;
}

std::string span_batch(std::string_view service, std::span<const std::string_view> pieces) {
  std::string out = R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":)";
  out += "{\"stringValue\":";
  append_json_string(out, service);
  out += R"(}}]},"scopeSpans":[{"scope":{"name":"sallyport","version":")" SALLYPORT_VERSION R"("},"spans":[)";
  for (const std::string_view piece : pieces) {
    if (out.back() != '[') out += ',';
    out += piece;
  }
  return out + "]}]}]}";
}

std::optional<std::chrono::seconds> pause_before_again(unsigned status, std::chrono::seconds retry_after,
                                                       unsigned attempts) {
  const bool busy = status == 429 || status == 503;
  if (!busy || attempts > 1 || retry_after.count() <= 0 || retry_after > kLongestPause) return std::nullopt;
  return retry_after;
}

}  // namespace sallyport::gateway
