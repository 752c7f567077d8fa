// The gateway's own answers: the table of CONTRACT section 3 as data, and how one is written. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/message.hpp"

namespace sallyport::gateway {

enum class Verdict : std::uint8_t {
  token_missing,
  token_malformed,
  token_invalid,
  token_expired,
  token_revoked,
  forbidden,
  store_unavailable,
  upstream_unreachable,
  upstream_invalid,
  upstream_timeout,
  bad_request,  // framing, path: anything with two meanings
  not_found,
  method_not_allowed,
  request_timeout,
  body_too_large,
  target_too_long,
  expectation_failed,
  upgrade_refused,
  head_too_large,
  not_implemented,
  version_not_supported,
  overloaded,
  upstream_unavailable,
  internal_error,
  origin_refused,  // cookie mode: not from a page of ours
};

struct Reply {
  unsigned status = 500;
  std::string_view error;
  std::string_view description;
  std::string_view challenge;  // behind `Bearer realm="..."`; only where has_challenge
  bool has_challenge = false;
  bool token_expired = false;  // Token-Expired: true, in all its names
};

const Reply& reply_for(Verdict verdict);
// What a refused head or body (http1::Refusal::status) is answered with.
Verdict verdict_for_status(unsigned status);

struct ReplyContext {
  std::string_view request_id;
  std::string_view realm = "sallyport";
  std::span<const std::string> expired_names;
  std::string_view date;
  std::string_view cors;     // complete lines, or empty
  std::string_view extra;    // more complete lines, or empty
  std::string_view cookies;  // Set-Cookie lines with the Cache-Control that they need, or empty
  std::string_view allow;    // with 405
  std::string_view cache_control = "no-store";
  unsigned retry_after = 0;      // seconds; 0: no Retry-After (503 gets one of 1 then)
  bool to_head_request = false;  // no body, but its Content-Length
  bool keep_alive = false;
  Version client_version = Version::http11;
};

// The whole answer: head and JSON body {"error","error_description","request_id"}.
void append_reply(std::string& out, const Reply& reply, const ReplyContext& context);
inline void append_reply(std::string& out, Verdict verdict, const ReplyContext& context) {
  append_reply(out, reply_for(verdict), context);
}

// Any other answer of our own (endpoints, preflight, pages): the same head, with a body of the caller's.
// `content_type` empty: no body (204, 302).
void append_own_answer(std::string& out, unsigned status, std::string_view content_type,
                       std::string_view body, const ReplyContext& context);

std::string_view reason_phrase(unsigned status);
// Text as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace sallyport::gateway
