// See forward_rules.hpp.
#include "gateway/http1/forward_rules.hpp"

#include <algorithm>
#include <charconv>

#include "gateway/cookies.hpp"
#include "gateway/http1/field_ids.hpp"
#include "gateway/path.hpp"
#include "gateway/text.hpp"

namespace sallyport::http1 {

using gateway::append;
using gateway::Field;
using gateway::FieldId;
using gateway::Framing;
using gateway::Version;

namespace {

constexpr char fold(char c) { return c == '_' ? '-' : gateway::lower(c); }

// `folded` is in lower case with dashes already.
bool folds_to(std::string_view name, std::string_view folded) {
  if (name.size() != folded.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (fold(name[i]) != folded[i]) return false;
  return true;
}

bool folds_to_prefix(std::string_view name, std::string_view folded) {
  return name.size() >= folded.size() && folds_to(name.substr(0, folded.size()), folded);
}

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = fold(c);
  return out;
}

// "Content_Length" is Content-Length for a CGI-like upstream: such a spelling of a name that we know is
// dropped.
bool is_disguised(std::string_view name) {
  if (name.find('_') == name.npos || name.size() > 64) return false;
  char buffer[64];
  std::transform(name.begin(), name.end(), buffer, fold);
  return field_id({buffer, name.size()}) != FieldId::other;
}

bool is_hop_by_hop(const Field& field) {
  switch (field.id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::content_length:
      return true;  // stated anew
    default:
      return field.id == FieldId::other && gateway::istarts_with(field.name, "proxy-");
  }
}

// Does Connection name more than the options that every client sends? Then each field must be looked up in
// it.
bool names_fields(const gateway::Fields& fields) {
  bool names = false;
  for (const Field& field : fields) {
    if (field.id != FieldId::connection) continue;
    gateway::for_each_element(field.value, [&](std::string_view option) {
      names = names || !(gateway::iequals(option, "close") || gateway::iequals(option, "keep-alive") ||
                         gateway::iequals(option, "upgrade") || gateway::iequals(option, "te"));
    });
  }
  return names;
}

// Only fields that we don't know can be named away: those that we know are for all recipients (RFC
// 9110 7.6.1), or ended here.
bool is_named(const gateway::Fields& fields, const Field& asked) {
  if (asked.id != FieldId::other) return false;
  return std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
    return field.id == FieldId::connection && gateway::list_contains(field.value, asked.name);
  });
}

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_field(std::string& out, const Field& field) {
  gateway::append_line(out, field.name, field.value);
}

void append_framing(std::string& out, Framing framing, std::uint64_t length) {
  if (framing == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing == Framing::length) {
    out += "Content-Length: ";
    append_number(out, length);
    out += "\r\n";
  }
}

bool drops_from_request(const Field& field, const ForwardPolicy& policy) {
  switch (field.id) {
    case FieldId::host:
    case FieldId::expect:  // we answer it ourselves
    case FieldId::forwarded:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_request_id:
    case FieldId::traceparent:
      return true;
    case FieldId::authorization:
      return !policy.forward_authorization;
    case FieldId::other:
      return policy.reserves(field.name) || is_disguised(field.name);
    default:
      return false;
  }
}

bool drops_from_response(const Field& field, const ForwardPolicy& policy, bool sets_cookies) {
  if (field.id == FieldId::x_request_id) return true;
  if (field.id == FieldId::set_cookie) return policy.has_cookies && gateway::sets_our_cookie(field.value);
  if (field.id == FieldId::cache_control) return sets_cookies;
  if (field.id != FieldId::other) return false;
  if (policy.has_cors && gateway::istarts_with(field.name, "access-control-")) return true;
  if (folds_to(field.name, "sallyport-response")) return true;
  return std::any_of(policy.expired_names.begin(), policy.expired_names.end(),
                     [&](const std::string& name) { return folds_to(field.name, name); });
}

void append_request_field(std::string& out, const Field& field, const ForwardPolicy& policy) {
  if (field.id != FieldId::cookie || !policy.has_cookies) return append_field(out, field);
  const std::string left = gateway::without_our_cookies(field.value);
  if (!left.empty()) append(out, field.name, ": ", left, "\r\n");
}

bool asks_for_trailers(const gateway::RequestHead& head) {
  const Field* te = head.find(FieldId::te);
  return te && gateway::list_contains(te->value, "trailers");
}

}  // namespace

ForwardPolicy ForwardPolicy::compile(const config::Route& route, const config::AuthEndpoints& auth) {
  ForwardPolicy policy;
  for (const auto& [claim, header] : route.claims_to_headers) policy.asserted.push_back(folded(header));
  for (const std::string& name : auth.expired_header) policy.expired_names.push_back(folded(name));
  for (const std::string& name : route.trailers) policy.trailers.push_back(folded(name));
  policy.strip_prefix = route.strip_prefix;
  policy.forward_authorization = route.forward_authorization;
  policy.has_cors = route.cors.on();
  policy.has_cookies = auth.cookies.on;
  return policy;
}

bool ForwardPolicy::asserts(std::string_view name) const {
  return std::any_of(asserted.begin(), asserted.end(),
                     [&](const std::string& mine) { return folds_to(name, mine); });
}

bool ForwardPolicy::reserves(std::string_view name) const {
  return folds_to_prefix(name, "x-auth-") || folds_to_prefix(name, "x-forwarded-") ||
         folds_to(name, "x-real-ip") || folds_to(name, "sallyport-response") || asserts(name) ||
         std::any_of(expired_names.begin(), expired_names.end(),
                     [&](const std::string& mine) { return folds_to(name, mine); });
}

void append_request_head(std::string& out, const gateway::RequestHead& head, const ForwardPolicy& policy,
                         const ForwardContext& context) {
  append(out, head.method, " ", gateway::without_prefix(context.path, policy.strip_prefix));
  if (context.has_query) append(out, "?", context.query);
  append(out, " HTTP/1.1\r\nHost: ", head.authority.empty() ? context.host : head.authority, "\r\n");
  // The client's fields first, then ours: nobody can name ours away (SECURITY H2).
  const bool named = names_fields(head.fields);
  for (const Field& field : head.fields)
    if (!is_hop_by_hop(field) && !drops_from_request(field, policy) &&
        !(named && is_named(head.fields, field)))
      append_request_field(out, field, policy);
  append(out, context.identity, context.provenance);
  out += head.version == Version::http11 ? "Via: 1.1 sallyport\r\n" : "Via: 1.0 sallyport\r\n";
  append_framing(out, head.framing, head.content_length);
  if (!context.upgrade.empty())
    append(out, "Connection: Upgrade\r\nUpgrade: ", context.upgrade, "\r\n");
  else if (!policy.trailers.empty() && asks_for_trailers(head))
    out += "Connection: TE\r\nTE: trailers\r\n";
  out += "\r\n";
}

ClientFraming client_framing(const gateway::ResponseHead& head, const ResponseContext& context) {
  ClientFraming result{head.framing, context.keep_alive};
  if (head.framing != Framing::chunked && head.framing != Framing::until_close) return result;
  // 1.1: a body of unknown length is chunked, so that a cut is seen. 1.0 knows no chunks: the close ends it.
  const bool modern = context.client_version == Version::http11;
  result.framing = modern ? Framing::chunked : Framing::until_close;
  result.keep_alive = modern && context.keep_alive;
  return result;
}

ClientFraming append_response_head(std::string& out, const gateway::ResponseHead& head,
                                   const ForwardPolicy& policy, const ResponseContext& context) {
  const ClientFraming framing = client_framing(head, context);
  const bool interim = head.status < 200;
  out += "HTTP/1.1 ";
  append_number(out, head.status);
  append(out, " ", head.reason, "\r\n");
  const bool named = names_fields(head.fields);
  const Field* length = nullptr;
  bool dated = false;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::content_length) length = &field;
    dated = dated || field.id == FieldId::date;
    if (!is_hop_by_hop(field) && !drops_from_response(field, policy, !context.extra.empty()) &&
        !(named && is_named(head.fields, field)))
      append_field(out, field);
  }
  append(out, context.cors, context.extra);
  if (!context.request_id.empty()) gateway::append_line(out, "X-Request-Id", context.request_id);
  out += head.version == Version::http11 ? "Via: 1.1 sallyport\r\n" : "Via: 1.0 sallyport\r\n";
  if (interim) {
    if (head.status == 101) append(out, "Connection: Upgrade\r\nUpgrade: ", context.upgrade, "\r\n");
    out += "\r\n";
    return {Framing::none, framing.keep_alive};
  }
  if (!dated && !context.date.empty()) gateway::append_line(out, "Date", context.date);
  append_framing(out, framing.framing, head.content_length);
  // A HEAD or 304 answer says how long the body would have been; it was checked to be a number.
  if (framing.framing == Framing::none && length && head.status != 204)
    append_framing(out, Framing::length, head.content_length);
  if (!framing.keep_alive)
    out += "Connection: close\r\n";
  else if (context.client_version == Version::http10)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
  return framing;
}

void append_chunk_head(std::string& out, std::size_t size) {
  append_number(out, size, 16);
  out += "\r\n";
}

void append_trailers(std::string& out, const gateway::Fields& trailers, const ForwardPolicy& policy) {
  out += "0\r\n";
  for (const Field& field : trailers) {
    const bool allowed =
        std::any_of(policy.trailers.begin(), policy.trailers.end(),
                    [&](const std::string& name) { return gateway::iequals(field.name, name); });
    // A trailer must not say what only a head may (RFC 9110 6.5.1), nor what only we may.
    if (allowed && field.id == FieldId::other && !policy.reserves(field.name)) append_field(out, field);
  }
  out += "\r\n";
}

}  // namespace sallyport::http1
