// See replies.hpp.
#include "gateway/replies.hpp"

#include <algorithm>
#include <array>

#include <boost/beast/core/string_type.hpp>
#include <boost/beast/http/status.hpp>

#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::string_view kInvalid = ", error=\"invalid_token\"";

// In the order of Verdict.
constexpr std::array kReplies{
    Reply{401, "token_missing", "A bearer token is required", "", true},
    Reply{400, "token_malformed", "The Authorization header must be there once and hold one bearer token",
          ", error=\"invalid_request\"", true},
    Reply{401, "token_invalid", "The access token is not valid", kInvalid, true},
    Reply{401, "token_expired", "The access token expired",
          ", error=\"invalid_token\", error_description=\"The access token expired\"", true, true},
    Reply{401, "token_revoked", "The access token was revoked",
          ", error=\"invalid_token\", error_description=\"The access token was revoked\"", true},
    Reply{403, "forbidden", "The access token does not permit this", ", error=\"insufficient_scope\"", true},
    Reply{503, "store_unavailable", "The session store cannot be reached; try again"},
    Reply{502, "upstream_unreachable", "The service behind this gateway cannot be reached"},
    Reply{502, "upstream_invalid", "The service behind this gateway gave a broken answer"},
    Reply{504, "upstream_timeout", "The service behind this gateway did not answer in time"},
    Reply{400, "bad_request", "The request is malformed or has two meanings"},
    Reply{404, "not_found", "No route serves this path"},
    Reply{405, "method_not_allowed", "This path does not serve that method"},
    Reply{408, "request_timeout", "The request did not arrive in time"},
    Reply{413, "body_too_large", "The request body is larger than this route takes"},
    Reply{414, "target_too_long", "The request target is too long"},
    Reply{417, "expectation_failed", "Only 100-continue is understood"},
    Reply{400, "upgrade_refused", "This upgrade is not served here"},
    Reply{431, "head_too_large", "The request head is too large or has too many fields"},
    Reply{501, "not_implemented", "That method is not served by this gateway"},
    Reply{505, "version_not_supported", "Use HTTP/1.1 or HTTP/1.0"},
    Reply{503, "overloaded", "Too many requests wait already; try again"},
    Reply{503, "upstream_unavailable", "The service behind this gateway is not well; try again"},
    Reply{500, "internal_error", "The gateway failed; the log knows this request id"},
    Reply{403, "origin_refused", "With cookies, this needs an Origin that is the gateway's own or allowed"},
};
static_assert(kReplies.size() == static_cast<std::size_t>(Verdict::origin_refused) + 1);

void append_head(std::string& out, unsigned status, const Reply* reply, std::string_view content_type,
                 std::size_t length, const ReplyContext& context) {
  append(out, "HTTP/1.1 ", std::to_string(status), " ", reason_phrase(status), "\r\n");
  if (!content_type.empty()) append_line(out, "Content-Type", content_type);
  if (status >= 200 && status != 204 && status != 304)
    append_line(out, "Content-Length", std::to_string(length));
  if (context.cookies.empty()) append_line(out, "Cache-Control", context.cache_control);
  append(out, context.cookies, "Sallyport-Response: 1\r\n");
  if (!context.request_id.empty()) append_line(out, "X-Request-Id", context.request_id);
  if (!context.date.empty()) append_line(out, "Date", context.date);
  if (reply && reply->has_challenge)
    append(out, "WWW-Authenticate: Bearer realm=\"", context.realm, "\"", reply->challenge, "\r\n");
  if (reply && reply->token_expired)
    for (const std::string& name : context.expired_names) append_line(out, name, "true");
  if (!context.allow.empty()) append_line(out, "Allow", context.allow);
  if (context.retry_after > 0 || status == 503)
    append_line(out, "Retry-After", std::to_string(context.retry_after > 0 ? context.retry_after : 1));
  append(out, context.cors, context.extra);
  if (!context.keep_alive)
    out += "Connection: close\r\n";
  else if (context.client_version == Version::http10)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

// How many bytes at the start of `text` are one well-formed character (RFC 3629); 0: none.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0), second = byte(1);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

const Reply& reply_for(Verdict verdict) { return kReplies[static_cast<std::size_t>(verdict)]; }

Verdict verdict_for_status(unsigned status) {
  switch (status) {
    case 408:
      return Verdict::request_timeout;
    case 413:
      return Verdict::body_too_large;
    case 414:
      return Verdict::target_too_long;
    case 417:
      return Verdict::expectation_failed;
    case 431:
      return Verdict::head_too_large;
    case 501:
      return Verdict::not_implemented;
    case 502:
      return Verdict::upstream_invalid;
    case 505:
      return Verdict::version_not_supported;
    default:
      return Verdict::bad_request;
  }
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr auto plain = [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; };
  out += '"';
  for (;;) {
    const auto odd = std::find_if_not(text.begin(), text.end(), plain);
    out.append(text.begin(), odd);
    text.remove_prefix(static_cast<std::size_t>(odd - text.begin()));
    if (text.empty()) break;
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t size = character(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else if (size == 0) {
      out += "\\ufffd";
    } else {
      out.append(text.substr(0, size));  // a character of several bytes
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

void append_reply(std::string& out, const Reply& reply, const ReplyContext& context) {
  std::string body = "{\"error\":";
  append_json_string(body, reply.error);
  body += ",\"error_description\":";
  append_json_string(body, reply.description);
  body += ",\"request_id\":";
  append_json_string(body, context.request_id);
  body += "}";
  append_head(out, reply.status, &reply, "application/json", body.size(), context);
  if (!context.to_head_request) out += body;
}

void append_own_answer(std::string& out, unsigned status, std::string_view content_type,
                       std::string_view body, const ReplyContext& context) {
  append_head(out, status, nullptr, content_type, body.size(), context);
  if (!context.to_head_request && status != 204 && status != 304) out += body;
}

std::string_view reason_phrase(unsigned status) {
  const auto text = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {text.data(), text.size()};
}

}  // namespace sallyport::gateway
