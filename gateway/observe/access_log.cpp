#include "gateway/observe/access_log.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>

#include "gateway/addresses.hpp"
#include "gateway/replies.hpp"
#include "gateway/runtime.hpp"

namespace sallyport::gateway {
namespace {

// RFC 3339 in UTC with milliseconds.
void append_time(std::string& out, UnixMillis time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  fmt::format_to(std::back_inserter(out), "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
                 int(date.year()), unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(",\"").append(name).append("\":");
  append_json_string(out, value);
}

void append_number(std::string& out, std::string_view name, std::uint64_t value) {
  fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, value);
}

void append_millis(std::string& out, std::string_view name, SteadyTime from, SteadyTime to) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
  fmt::format_to(std::back_inserter(out), ",\"{}\":{}.{:03}", name, micros / 1000, micros % 1000);
}

// Masked: what a whole network has in common, 24 bits of IPv4 and 48 of IPv6. What is no address isn't told
// then.
void append_client(std::string& out, std::string_view client, bool mask) {
  if (!mask) return append_text(out, "client", client);
  std::optional<IpAddress> address = parse_ip(client);
  if (!address) return;
  const bool v4 = to_text(*address).find(':') == std::string::npos;
  std::fill(address->bytes.begin() + (v4 ? 15 : 6), address->bytes.end(), std::uint8_t{0});
  append_text(out, "client", to_text(*address));
}

// As JSON: a token's text can't leave its place. What a token doesn't have isn't there.
void append_claims(std::string& out, const jose::Claims& claims, std::span<const std::string> paths) {
  std::string_view before = ",\"claims\":{";
  for (const std::string& path : paths) {
    const boost::json::value* value = claims.find(path);
    if (value == nullptr) continue;
    out.append(before);
    append_json_string(out, path);
    out.append(":").append(boost::json::serialize(*value));
    before = ",";
  }
  if (before == ",") out += '}';
}

// What joins this line to the trace of everybody else: ours, or that of the traceparent which went on as it
// came.
std::string_view trace_id(const RequestContext& context, const RequestHead* head) {
  if (context.trace.sampled) return {context.trace.id.data(), context.trace.id.size()};
  const std::string_view theirs = head == nullptr ? std::string_view() : traceparent_of(*head);
  return theirs.empty() ? theirs : theirs.substr(3, 32);
}

}  // namespace

void append_access_line(std::string& out, const RequestContext& context, const RequestHead* head,
                        const Finished& finished, const config::Log& rules) {
  append_time(out, finished.time);
  append_text(out, "request_id", context.provenance.request_id);
  append_client(out, context.provenance.client, rules.mask_clients);
  append_text(out, "trace_id", trace_id(context, head));
  if (head != nullptr) {
    append_text(out, "method", head->method);
    append_text(out, "host", head->host);
    append_text(out, "path", context.path.empty() ? head->raw_path : context.path);
  }
  if (context.route != nullptr) append_text(out, "route", context.route->name);
  append_text(out, "endpoint", context.endpoint);
  append_number(out, "status", context.status);
  append_number(out, "bytes_in", finished.bytes_in);
  append_number(out, "bytes_out", finished.bytes_out);
  append_millis(out, "ms", context.began, finished.ended);
  if (context.upstream_asked != SteadyTime{}) {
    append_text(out, "upstream", context.server);
    if (context.upstream_answered != SteadyTime{})
      append_millis(out, "upstream_ms", context.upstream_asked, context.upstream_answered);
    if (context.attempts > 1) append_number(out, "attempts", context.attempts);
  }
  if (context.claims) {
    append_text(out, "subject", context.claims->subject);
    append_text(out, "session", context.claims->session_id);
    if (!context.claims->own) append_text(out, "issuer", context.claims->issuer);
    append_claims(out, *context.claims, rules.claims);
  }
  append_text(out, "error", context.refusal);
  append_text(out, "reason", context.reason);
  out += "}\n";
}

void append_audit_line(std::string& out, UnixMillis time, const AuditEntry& entry, const config::Log& rules) {
  append_time(out, time);
  append_text(out, "act", entry.act);
  append_text(out, "user", entry.user);
  append_text(out, "session", entry.session);
  append_text(out, "cause", entry.cause);
  append_client(out, entry.client, rules.mask_clients);
  append_text(out, "request_id", entry.request_id);
  out += "}\n";
}

}  // namespace sallyport::gateway
