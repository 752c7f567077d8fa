// The rules about what registration asks for, and about the messages that confirm an address or reset a
// password.
#include <algorithm>
#include <array>
#include <set>

#include "config/judge.hpp"
#include "config/suggest.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

constexpr std::size_t kShortestSecret = 32;

bool plain(char c) { return c > ' ' && c < 0x7f; }

// An http(s) URL without a user and without what a request line or a mail can't carry.
std::string url_flaw(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const auto server = url.substr(0, std::min(url.find_first_of("/?#", scheme), url.size()));
  const bool good = scheme > 0 && std::all_of(url.begin(), url.end(), plain) && parse_server(server);
  return good ? std::string() : "it is no URL such as https://app.example.com/page";
}

bool is_here(std::string_view url) {
  const auto server = parse_server(url.substr(0, url.find('/', url.find("://") + 3)));
  return server && (server->host == "localhost" || server->host == "::1" || server->host.starts_with("127."));
}

void judge_page(const std::string& page, const std::string& path, Judge& judge) {
  if (page.empty()) return;
  if (const auto flaw = url_flaw(page); !flaw.empty()) return judge.problem(path, flaw);
  if (page.starts_with("http://") && !is_here(page))
    judge.warning(path, "whoever listens on the way would read the token; use https");
}

void judge_webhook(const Webhook& webhook, Judge& judge) {
  const std::string path = "users.webhook";
  if (!webhook.url.empty()) {
    if (const auto flaw = url_flaw(webhook.url); !flaw.empty())
      judge.problem(path + ".url", flaw);
    else if (webhook.url.find('#') != std::string::npos)
      judge.problem(path + ".url", "what stands behind # is never sent");
    else if (webhook.url.starts_with("http://") && !is_here(webhook.url))
      judge.warning(path + ".url", "the tokens in the messages cross the network in clear; use https");
  }
  if (!webhook.secret.empty() && webhook.secret.size() < kShortestSecret)
    judge.problem(path + ".secret",
                  "the secret has " + std::to_string(webhook.secret.size()) +
                      " bytes; at least 32 are needed, made with `openssl rand -base64 48`");
}

// "A-Za-z0-9_-": ASCII characters and ranges of them.
bool is_character_class(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; })) return false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i)
    if (text[i] == '-' && text[i - 1] > text[i + 1]) return false;
  return true;
}

void judge_email_field(const ProfileField& field, const std::string& path, Judge& judge) {
  const bool own_rules = (field.kind != ProfileKind::text && field.kind != ProfileKind::email) ||
                         !field.characters.empty() || !field.values.empty() || field.min_length > 0 ||
                         field.max_length != ProfileField{}.max_length;
  if (own_rules)
    judge.problem(path,
                  "email is the account's address and is checked as one; only required and show can be said");
}

void judge_field(const ProfileField& field, const std::string& path, Judge& judge) {
  constexpr std::array<std::string_view, 3> kOwn{"id", "username", "password"};
  if (std::find(kOwn.begin(), kOwn.end(), field.name) != kOwn.end())
    judge.problem(path, in_quotes(field.name) + " is a member of the account itself");
  if (field.name == "email") return judge_email_field(field, path, judge);
  if (field.min_length > field.max_length)
    judge.problem(path + ".min_length",
                  "it is larger than max_length (" + std::to_string(field.max_length) + ")");
  if (!field.characters.empty() && field.kind != ProfileKind::text)
    judge.problem(path + ".characters", "it is for `kind: text`");
  if (!is_character_class(field.characters))
    judge.problem(path + ".characters",
                  "write ASCII characters and ranges such as A-Za-z0-9_-, the lower end first");
  const bool says_more = field.kind != ProfileKind::text || !field.characters.empty() || field.min_length > 0;
  if (!field.values.empty() && says_more)
    judge.problem(path + ".values", "the values say all already; remove kind, characters and min_length");
}

void judge_profile(const Users& users, Judge& judge) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < users.profile.size(); ++i) {
    const auto& field = users.profile[i];
    const auto path = "users.profile[" + std::to_string(i) + "]";
    if (field.name.empty()) continue;
    if (!seen.insert(field.name).second) judge.problem(path, in_quotes(field.name) + " is there already");
    judge_field(field, path, judge);
  }
}

void judge_endpoint(const std::string& path, const char* key, bool useful, const char* needs, Judge& judge) {
  const auto where = std::string("auth.endpoints.") + key;
  if (!path.empty() && !useful && judge.places.given(where))
    judge.problem(where, std::string("it needs ") + needs);
}

}  // namespace

void judge_accounts(const Config& config, Judge& judge) {
  const Users& users = config.users;
  judge_profile(users, judge);
  if (users.webhook) judge_webhook(*users.webhook, judge);
  judge_page(users.confirmation.page, "users.confirmation.page", judge);
  judge_page(users.reset.page, "users.reset.page", judge);
  if (users.reset.on && config.tokens.issuer.empty())
    judge.problem("users.reset", "it needs tokens.issuer: without it nobody logs in here");
  if (users.reset.on && !writes_passwords(users))
    judge.problem("users.reset", "passwords of `source: " + users.source + "` can't be changed here");
  else if (users.webhook && !users.reset.on && users.source != "store")
    judge.problem("users.webhook", "nothing would be sent: users of `source: " + users.source +
                                       "` confirm their address where they belong");
  const Endpoints& own = config.auth.endpoints;
  judge_endpoint(own.reset_request, "reset_request", users.reset.on && users.webhook.has_value(),
                 "users.reset and users.webhook", judge);
  judge_endpoint(own.reset, "reset", users.reset.on, "users.reset", judge);
  judge_endpoint(own.confirm, "confirm", users.webhook.has_value() && users.source == "store",
                 "users.webhook and `users.source: store`", judge);
}

}  // namespace sallyport::config
