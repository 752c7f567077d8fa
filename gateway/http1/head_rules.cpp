// The rules of framing. See head_rules.hpp.
#include "gateway/http1/head_rules.hpp"

#include "gateway/http1/target.hpp"
#include "gateway/text.hpp"

namespace sallyport::http1 {

using gateway::Field;
using gateway::FieldId;
using gateway::Framing;
using gateway::iequals;
using gateway::Version;

namespace {

// The fields that decide where a message ends and who it is for, found in one walk.
struct Found {
  unsigned lengths = 0, codings = 0, hosts = 0;
  const Field* length = nullptr;
  const Field* coding = nullptr;
  const Field* host = nullptr;
  bool close = false, persist = false, names_upgrade = false, upgrade = false;
  bool expect_continue = false, expect_other = false, bad_option = false;
};

void note_connection(std::string_view list, Found& found) {
  gateway::for_each_element(list, [&](std::string_view option) {
    found.bad_option = found.bad_option || !gateway::is_token(option);
    found.close = found.close || iequals(option, "close");
    found.persist = found.persist || iequals(option, "keep-alive");
    found.names_upgrade = found.names_upgrade || iequals(option, "upgrade");
  });
}

Found find_framing(const gateway::Fields& fields) {
  Found found;
  for (const Field& field : fields) {
    switch (field.id) {
      case FieldId::content_length:
        ++found.lengths, found.length = &field;
        break;
      case FieldId::transfer_encoding:
        ++found.codings, found.coding = &field;
        break;
      case FieldId::host:
        ++found.hosts, found.host = &field;
        break;
      case FieldId::connection:
        note_connection(field.value, found);
        break;
      case FieldId::upgrade:
        found.upgrade = true;
        break;
      case FieldId::expect:
        (iequals(field.value, "100-continue") ? found.expect_continue : found.expect_other) = true;
        break;
      default:
        break;
    }
  }
  return found;
}

// RFC 9112 6.1, 6.3, the strict reading: one Content-Length of digits, or one Transfer-Encoding "chunked"
// on 1.1.
std::string_view judge_framing(const Found& found, Version version, Framing& framing, std::uint64_t& length) {
  if (found.codings > 0) {
    if (version == Version::http10) return "transfer_encoding_on_http10";
    if (found.lengths > 0) return "length_and_transfer_encoding";
    if (found.codings > 1) return "duplicate_transfer_encoding";
    if (!iequals(found.coding->value, "chunked")) return "bad_transfer_encoding";
    framing = Framing::chunked;
    return {};
  }
  if (found.lengths == 0) return {};
  if (found.lengths > 1) return "duplicate_content_length";
  if (!gateway::parse_decimal(found.length->value, length)) return "bad_content_length";
  framing = Framing::length;
  return {};
}

// RFC 9110 7.6.1. What is no list of names can't be obeyed.
std::string_view judge_connection(const Found& found) { return found.bad_option ? "bad_connection" : ""; }

std::string_view judge_host(const Found& found, gateway::RequestHead& head) {
  if (found.hosts > 1) return "duplicate_host";
  if (found.hosts == 0) return head.version == Version::http11 ? "missing_host" : "";
  std::string_view host;
  if (!valid_authority(found.host->value, host)) return "bad_host";
  // An absolute-form target wins over Host (RFC 9112 3.2.2); two different answers are refused instead.
  if (!head.authority.empty() && !iequals(head.authority, found.host->value))
    return "target_differs_from_host";
  head.authority = found.host->value;
  head.host = host;
  return {};
}

bool persists(const Found& found, Version version) {
  return !found.close && (version == Version::http11 || found.persist);
}

}  // namespace

std::optional<Refusal> judge_request(gateway::RequestHead& head) {
  const Found found = find_framing(head.fields);
  std::string_view wrong = judge_framing(found, head.version, head.framing, head.content_length);
  if (wrong.empty()) wrong = judge_connection(found);
  if (wrong.empty()) wrong = judge_host(found, head);
  if (!wrong.empty()) return Refusal{400, wrong};
  if (found.expect_other) return Refusal{417, "unknown_expectation"};
  const bool modern = head.version == Version::http11;
  head.keep_alive = persists(found, head.version);
  head.expect_continue = modern && found.expect_continue && head.framing != Framing::none;
  head.upgrade = modern && found.upgrade && found.names_upgrade;
  return std::nullopt;
}

std::optional<Refusal> judge_response(gateway::ResponseHead& head, bool to_head_request) {
  if (head.status < 100) return Refusal{502, "bad_status"};
  const Found found = find_framing(head.fields);
  Framing framing = Framing::none;
  std::string_view wrong = judge_framing(found, head.version, framing, head.content_length);
  if (wrong.empty()) wrong = judge_connection(found);
  if (!wrong.empty()) return Refusal{502, wrong};
  const bool informal = head.status < 200;
  const bool bodiless = informal || head.status == 204 || head.status == 304 || to_head_request;
  if (!bodiless && framing == Framing::none) framing = Framing::until_close;
  head.keep_alive = persists(found, head.version) && framing != Framing::until_close && head.status != 101;
  // RFC 9110 8.6, 9112 6.1: these must not announce a body. One that does may also send it: never reuse that
  // connection.
  if ((informal || head.status == 204) && (framing == Framing::chunked || head.content_length > 0))
    head.keep_alive = false;
  head.framing = bodiless ? Framing::none : framing;
  return std::nullopt;
}

}  // namespace sallyport::http1
