// See tickets.hpp.
#include "gateway/tickets.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstring>

#include "auth/jose/base64url.hpp"
#include "auth/jose/claim_reader.hpp"
#include "gateway/judge.hpp"
#include "gateway/runtime.hpp"
#include "gateway/text.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::string_view kVersion = "t1.";
constexpr std::string_view kLabel = "sallyport one-time ticket v1";
constexpr std::string_view kParameter = "ticket";
constexpr std::size_t kKeyId = 8, kExpiry = 8, kNonce = 16, kMac = 32;
constexpr std::size_t kHead = kKeyId + kExpiry + kNonce;
// The store remembers a used ticket for longer than any gateway takes it for fresh, clocks that differ
// included.
constexpr std::chrono::seconds kRemember{120};

using Mac = std::array<unsigned char, kMac>;

std::optional<Mac> mac_of(const jose::MacKey& key, std::string_view body) {
  const std::string_view secret = key.secret.reveal();
  std::string labelled(kLabel);
  labelled += body;
  Mac mac;
  unsigned length = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(labelled.data()), labelled.size(), mac.data(),
           &length) == nullptr ||
      length != mac.size())
    return std::nullopt;
  return mac;
}

std::shared_ptr<const jose::Claims> claims_of(const boost::json::object& said,
                                              const jose::ClaimPlaces& places) {
  const auto* claims = said.if_contains("claims");
  const auto* key = said.if_contains("key");
  if (claims == nullptr || !claims->is_object() || key == nullptr || !key->is_string()) return nullptr;
  auto read = jose::read_claims(boost::json::object(claims->get_object()), places, true);
  if (!read || !read->has_expiry) return nullptr;
  read->claims->key_id = key->get_string();
  return read->claims;
}

jose::ClaimPlaces own_places(const Runtime& runtime) {
  for (const jose::Issuer& issuer : *runtime.keys->issuers)
    if (issuer.own) return issuer.places;
  return {};
}

}  // namespace

std::string write_ticket(const Ticket& ticket, std::span<const jose::MacKey> keys) {
  const jose::MacKey& key = keys.front();
  std::string body = key.id;
  const auto expiry = static_cast<std::uint64_t>(ticket.expires.time_since_epoch().count());
  for (int shift = 56; shift >= 0; shift -= 8) body.push_back(static_cast<char>(expiry >> shift));
  body.append(ticket.nonce.begin(), ticket.nonce.end());
  body += boost::json::serialize(boost::json::object{
      {"path", ticket.path}, {"key", ticket.claims->key_id}, {"claims", ticket.claims->all}});
  const auto mac = mac_of(key, body);
  if (!mac) throw std::runtime_error("HMAC-SHA256 failed");
  body.append(mac->begin(), mac->end());
  std::string text(kVersion);
  text += jose::base64url_encode(body);
  return text.size() <= kMaxTicket ? text : std::string();
}

std::optional<Ticket> read_ticket(std::string_view text, std::string_view path, UnixSeconds now,
                                  const jose::ClaimPlaces& places, std::span<const jose::MacKey> keys) {
  if (text.size() > kMaxTicket || !text.starts_with(kVersion)) return std::nullopt;
  const auto bytes = jose::base64url_decode(text.substr(kVersion.size()));
  if (!bytes || bytes->size() < kHead + kMac) return std::nullopt;
  const std::string_view all = *bytes;
  const std::string_view body = all.substr(0, all.size() - kMac);
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const jose::MacKey& k) { return k.id == all.substr(0, kKeyId); });
  if (key == keys.end()) return std::nullopt;
  const auto mac = mac_of(*key, body);
  if (!mac || CRYPTO_memcmp(mac->data(), all.data() + body.size(), kMac) != 0) return std::nullopt;

  // From here on it is what we wrote.
  Ticket ticket;
  std::uint64_t expiry = 0;
  for (const char c : body.substr(kKeyId, kExpiry)) expiry = expiry << 8 | static_cast<unsigned char>(c);
  ticket.expires = UnixSeconds(std::chrono::seconds(expiry));
  std::memcpy(ticket.nonce.data(), body.data() + kKeyId + kExpiry, kNonce);
  boost::system::error_code ec;
  const boost::json::value said = boost::json::parse(body.substr(kHead), ec);
  if (ec || !said.is_object()) return std::nullopt;
  const auto* for_path = said.get_object().if_contains("path");
  if (for_path == nullptr || !for_path->is_string() || for_path->get_string() != path ||
      now >= ticket.expires)
    return std::nullopt;
  ticket.path = path;
  ticket.claims = claims_of(said.get_object(), places);
  if (!ticket.claims) return std::nullopt;
  return ticket;
}

bool may_carry_ticket(const RequestHead& head) {
  if (head.upgrade) return true;
  if (head.method != "GET") return false;
  return std::any_of(head.fields.begin(), head.fields.end(), [](const Field& field) {
    if (field.id != FieldId::accept) return false;
    bool found = false;
    for_each_element(field.value, [&found](std::string_view type) {
      found = found || iequals(trim(type.substr(0, type.find(';'))), "text/event-stream");
    });
    return found;
  });
}

std::optional<TakenTicket> take_ticket(std::string_view query) {
  std::optional<TakenTicket> taken;
  std::string left;
  bool first = true;
  for (std::size_t at = 0; at <= query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    at = end + 1;
    if (pair.substr(0, pair.find('=')) == kParameter) {
      const bool repeated = taken.has_value();
      taken.emplace();
      if (!repeated && pair.size() > kParameter.size()) taken->text = pair.substr(kParameter.size() + 1);
      continue;
    }
    if (!first) left += '&';
    first = false;
    left += pair;
  }
  if (taken) taken->query = std::move(left);
  return taken;
}

Task<TicketJudgement> judge_ticket(Worker& worker, const RequestHead& head, const CompiledRoute& route,
                                   RequestContext& context) {
  const policy::RoutePolicy& policy = route.policy;
  if (policy.auth == config::AuthMode::none || !context.serving->issuing || !may_carry_ticket(head))
    co_return TicketJudgement{};
  auto taken = take_ticket(head.query);
  if (!taken) co_return TicketJudgement{};
  context.query = std::move(taken->query);
  if (credential_of(head).kind != policy::Credential::Kind::none) co_return TicketJudgement{};

  const Runtime& runtime = context.runtime();
  auto ticket =
      read_ticket(taken->text, context.path, worker.unix_now(), own_places(runtime), worker.keys()->refresh);
  if (!ticket) {
    context.reason = "ticket_invalid";
    co_return TicketJudgement{true, Verdict::token_invalid};
  }
  context.claims = ticket->claims;
  std::string key = "ticket:" + jose::base64url_encode({reinterpret_cast<const char*>(ticket->nonce.data()),
                                                        ticket->nonce.size()});
  const StoreResult<unsigned> uses = co_await worker.stores().attempts->add(std::move(key), kRemember);
  if (!uses) {
    context.reason = "ticket: the store didn't answer";
    co_return TicketJudgement{true, Verdict::store_unavailable};
  }
  if (*uses != 1) {
    context.reason = "ticket_used";
    co_return TicketJudgement{true, Verdict::token_invalid};
  }
  policy::Decision decision =
      worker.authenticator().decide(std::move(ticket->claims), policy, worker.unix_now(), worker.freshness());
  if (policy::passes(decision.verdict)) co_return TicketJudgement{true, std::nullopt};
  co_return TicketJudgement{true, answer_of(decision.verdict)};
}

}  // namespace sallyport::gateway
