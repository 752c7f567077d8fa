#include "gateway/endpoints/oauth_client.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <optional>

#include "gateway/endpoints/json_object.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway::endpoints {
namespace {

using Authenticated = boost::system::result<OAuthClient, OAuthFailure>;

constexpr std::size_t kMaxBasic = 1024;

OAuthFailure invalid_client(std::string reason) {
  OAuthFailure failure = oauth_failure("invalid_client", "The client is unknown or its secret is wrong");
  failure.status = 401;
  failure.reason = std::move(reason);
  return failure;
}

// RFC 4648 with padding, one spelling only.
std::optional<config::Secret> base64_decoded(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > kMaxBasic) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.substr(0, text.size() - padding)
          .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") != text.npos)
    return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(size) - padding);
  return config::Secret(std::move(out));
}

// What came: both parts as sent, and as they are where they were form-encoded (section 2.3.1 asks for it, and
// many clients don't).
struct Basic {
  config::Secret id, secret;
};

std::optional<Basic> basic_of(std::string_view value) {
  constexpr std::string_view kScheme = "Basic ";
  if (!istarts_with(value, kScheme)) return std::nullopt;
  const auto text = base64_decoded(trim(value.substr(kScheme.size())));
  if (!text) return Basic{};
  const std::size_t colon = text->reveal().find(':');
  if (colon == std::string_view::npos) return Basic{};
  return Basic{config::Secret(std::string(text->reveal().substr(0, colon))),
               config::Secret(std::string(text->reveal().substr(colon + 1)))};
}

bool is_name(const config::Client& client, std::string_view sent) {
  return client.name == sent || form_decoded(sent) == client.name;
}

bool fits(const config::Client& client, std::string_view sent, bool encoded) {
  config::Secret decoded;
  if (encoded)
    if (auto plain = form_decoded(sent)) decoded = config::Secret(std::move(*plain));
  bool good = false;
  for (const config::Secret& secret : client.secret)
    good = secret.equals(sent) || (!decoded.empty() && secret.equals(decoded.reveal())) || good;
  return good;
}

const config::Client* named(const std::vector<config::Client>& clients, std::string_view id, bool encoded) {
  const auto found = std::find_if(clients.begin(), clients.end(), [&](const config::Client& client) {
    return encoded ? is_name(client, id) : client.name == id;
  });
  return found == clients.end() ? nullptr : &*found;
}

}  // namespace

OAuthFailure oauth_failure(std::string_view error, std::string_view description) {
  OAuthFailure failure;
  failure.error = error;
  failure.description = description;
  return failure;
}

OAuthFailure oauth_failure(const Failure& from) {
  OAuthFailure failure = oauth_failure(from.error, from.description);
  failure.status = from.status;
  failure.retry_after = from.retry_after;
  failure.reason = from.reason;
  if (from.status == 401 || from.status == 403 || from.status == 409) {
    failure.status = 400;
    failure.error = "invalid_grant";
    if (failure.reason.empty()) failure.reason = from.error;
  }
  return failure;
}

std::string oauth_failure_json(const OAuthFailure& failure, std::string_view request_id) {
  JsonObject json;
  json.text("error", failure.error)
      .text("error_description", failure.description)
      .text("request_id", request_id);
  return std::move(json).take();
}

bool OAuthClient::may(config::Grant grant) const {
  return client == nullptr ||
         std::find(client->grants.begin(), client->grants.end(), grant) != client->grants.end();
}

Authenticated authenticate(const std::vector<config::Client>& clients,
                           std::span<const std::string_view> authorization, const Form& form) {
  if (authorization.size() > 1)
    return oauth_failure("invalid_request", "The Authorization header must be there at most once");
  const auto id = form.find("client_id");
  const auto secret = form.find("client_secret");
  std::optional<Basic> basic;
  if (!authorization.empty()) basic = basic_of(authorization.front());
  if (!authorization.empty() && !basic) return invalid_client("no Basic credentials");
  if (basic && secret)
    return oauth_failure("invalid_request", "The client must authenticate in one way, not in two");
  if (!basic && !secret && clients.empty()) return OAuthClient{};
  if (!basic && !id) return invalid_client("no client_id");

  const std::string_view sent = basic ? basic->id.reveal() : *id;
  const config::Client* client = named(clients, sent, basic.has_value());
  if (client == nullptr) return invalid_client("unknown client");
  if (basic && id && *id != client->name)
    return oauth_failure("invalid_request", "client_id is another than in the Authorization header");
  if (client->secret.empty()) {
    // A public client has nothing to prove; what it sends in place of a secret is empty.
    if (secret || (basic && !basic->secret.empty())) return invalid_client("a public client sent a secret");
    return OAuthClient{client->name, client, false};
  }
  const bool good =
      basic ? fits(*client, basic->secret.reveal(), true) : secret && fits(*client, *secret, false);
  if (!good) return invalid_client("wrong secret");
  return OAuthClient{client->name, client, true};
}

}  // namespace sallyport::gateway::endpoints
