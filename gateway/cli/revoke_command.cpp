// revoke: puts events into the store's log, which every running gateway follows, and ends the sessions they
// are about.
#include <algorithm>
#include <charconv>
#include <ctime>

#include "auth/sessions/ending.hpp"
#include "gateway/cli/command.hpp"
#include "gateway/cli/end_sessions.hpp"
#include "gateway/cli/input.hpp"
#include "gateway/cli/look_up.hpp"
#include "gateway/issuers.hpp"
#include "gateway/revocations.hpp"

namespace sallyport::cli {
namespace {

using revocation::Event;
using revocation::Kind;

struct Wanted {
  std::string token, session, user, key, issuer, before;
  bool everything = false;
  long foreign_life = 86400;
};

Task<int> append(stores::Stores& stores, const config::Config& config, Event event, std::string done) {
  std::vector<Event> events;
  events.push_back(std::move(event));
  auto appended = co_await stores.log->append(std::move(events));
  if (!appended) co_return store_failed(config, appended.error());
  say(done);
  co_return kFine;
}

int append_one(const config::Config& config, const Event& event, const std::string& done) {
  return with_stores(config, [&](stores::Stores& stores) { return append(stores, config, event, done); });
}

int revoke_token(const config::Config& config, const Wanted& wanted) {
  const auto token = argument_or_stdin(wanted.token);
  const gateway::TokenEnding ending =
      token ? gateway::token_ending(*token, config.tokens, now_seconds())
            : gateway::TokenEnding(boost::system::in_place_error, token.error().message);
  if (!ending) {
    complain(ending.error());
    return kWrongInput;
  }
  if (!*ending) {
    say("nothing to do: the token has expired");
    return kFine;
  }
  return append_one(config, **ending, "revoked the token");
}

Task<int> end_session(stores::Stores& stores, const config::Config& config, sessions::SessionId id) {
  auto found = co_await stores.sessions->load(id);
  if (!found) co_return store_failed(config, found.error());
  if (!found->session) {
    complain("there is no session " + id.text());
    co_return kWrongInput;
  }
  std::vector<Event> events;
  const UnixSeconds now = std::max(now_seconds(), to_seconds(found->now));
  events.push_back(sessions::ending_event(config.tokens, id, sessions::EndCause::administrator, now));
  auto appended = co_await stores.log->append(std::move(events));
  if (!appended) co_return store_failed(config, appended.error());
  const std::string user_id = found->session->user_id;
  auto ended = co_await stores.sessions->end(user_id, id, sessions::EndCause::administrator);
  if (!ended) co_return store_failed(config, ended.error());
  say("ended the session " + id.text());
  co_return kFine;
}

int revoke_session(const config::Config& config, const Wanted& wanted) {
  const auto id = sessions::SessionId::parse(wanted.session);
  if (!id) {
    complain("this is no session id; it is the sid claim of its tokens, 32 characters");
    return kWrongInput;
  }
  return with_stores(config, [&](stores::Stores& stores) { return end_session(stores, config, *id); });
}

Task<int> end_user(stores::Stores& stores, const config::Config& config, std::string name) {
  auto found = co_await look_up(stores, config, std::move(name));
  if (!found) co_return look_up_failed(config, found.error());
  if (!found->has_value()) {
    complain("there is no user of this name or id (for another issuer's user add --issuer)");
    co_return kWrongInput;
  }
  const std::string id = (*found)->id;
  auto ended = co_await end_sessions(stores, config.tokens, id, sessions::EndCause::administrator);
  if (!ended) co_return store_failed(config, ended.error());
  say("ended " + std::to_string(*ended) + " session" + (*ended == 1 ? "" : "s") + " of " + (*found)->name);
  co_return kFine;
}

bool is_foreign(const config::Config& config, const std::string& issuer) {
  return std::any_of(config.tokens.issuers.begin(), config.tokens.issuers.end(),
                     [&](const config::ForeignIssuer& known) { return known.issuer == issuer; });
}

bool is_own(const config::Config& config, const Wanted& wanted) {
  return wanted.issuer.empty() || wanted.issuer == config.tokens.issuer;
}

// As an operator writes it: 2026-11-28T07:00:00Z, or seconds since 1970.
std::optional<UnixSeconds> moment(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end != nullptr && *end == 0) return UnixSeconds(std::chrono::seconds(::timegm(&parts)));
  std::int64_t seconds = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || stop != text.data() + text.size() || seconds <= 0) return std::nullopt;
  return UnixSeconds(std::chrono::seconds(seconds));
}

// What was issued until now, or before the moment that was named.
UnixSeconds before_of(const Wanted& wanted) {
  return wanted.before.empty() ? now_seconds() + std::chrono::seconds(1) : *moment(wanted.before);
}

int revoke_user(const config::Config& config, const Wanted& wanted) {
  if (is_own(config, wanted)) {
    return with_stores(config, [&](stores::Stores& stores) { return end_user(stores, config, wanted.user); });
  }
  // Another's user has no sessions here.
  Event event = gateway::ending_of(Kind::user, wanted.issuer, wanted.user,
                                   now_seconds() + std::chrono::seconds(wanted.foreign_life));
  event.before = before_of(wanted);
  return append_one(config, event,
                    "revoked what was issued for this user " +
                        (wanted.before.empty() ? std::string("until now") : "before " + wanted.before));
}

int revoke_everything(const config::Config& config, const Wanted& wanted) {
  const bool own = is_own(config, wanted);
  std::optional<UnixSeconds> before;
  if (!wanted.before.empty()) before = moment(wanted.before);
  const Event event = gateway::everything_ending(config.tokens, own ? config.tokens.issuer : wanted.issuer,
                                                 before, now_millis());
  return append_one(config, event,
                    (own ? "revoked every token and session" : "revoked every token of this issuer") +
                        (wanted.before.empty() ? std::string() : " from before " + wanted.before));
}

int revoke(const config::Config& config, const Wanted& wanted) {
  if (!wanted.issuer.empty() && wanted.issuer != config.tokens.issuer && !is_foreign(config, wanted.issuer)) {
    complain("--issuer names none of the configuration");
    return kWrongInput;
  }
  if (!wanted.before.empty()) {
    if (!wanted.everything && (wanted.user.empty() || is_own(config, wanted))) {
      complain(
          "--before goes with --everything, or with --user of another --issuer; sessions end as a whole");
      return kWrongInput;
    }
    const auto before = moment(wanted.before);
    if (!before || *before > now_seconds()) {
      complain("--before is no moment in the past: write 2026-01-31T12:00:00Z, or seconds since 1970");
      return kWrongInput;
    }
  }
  if (!wanted.token.empty()) return revoke_token(config, wanted);
  if (!wanted.session.empty()) return revoke_session(config, wanted);
  if (!wanted.user.empty()) return revoke_user(config, wanted);
  if (!wanted.key.empty())
    return revoke_key(config, wanted.issuer.empty() ? config.tokens.issuer : wanted.issuer, wanted.key);
  return revoke_everything(config, wanted);
}

}  // namespace

int revoke_key(const config::Config& config, const std::string& issuer, const std::string& id) {
  return append_one(
      config, gateway::ending_of(Kind::key, issuer, id, now_seconds() + gateway::longest_life(config.tokens)),
      "revoked the key " + id);
}

void add_revoke(CLI::App& app, Invocation& invocation) {
  const auto wanted = std::make_shared<Wanted>();
  CLI::App* command = add_command(
      app, invocation, "revoke",
      "Refuse a token, a session, all of a user, all of a key, or everything, on every gateway of this store",
      "sallyport revoke --user ada --config gateway.yaml\n  sallyport revoke --token - < token.txt",
      [&invocation, wanted] {
        int code = kFine;
        const auto config = load(invocation, code);
        return config ? revoke(*config, *wanted) : code;
      });
  auto* what = command->add_option_group("what", "one of");
  what->add_option("--token", wanted->token, "the token, or - to read it from stdin");
  what->add_option("--session", wanted->session, "a session id (sid)");
  what->add_option("--user", wanted->user, "a user's name or id; ends all sessions");
  what->add_option("--key", wanted->key, "a key id (kid)");
  what->add_flag("--everything", wanted->everything, "every token and session: everybody logs in again");
  what->require_option(1);
  command->add_option("--issuer", wanted->issuer,
                      "with --user, --key or --everything: another issuer of the configuration");
  command->add_option("--before", wanted->before,
                      "with --everything, or --user and --issuer: only what was issued before this moment "
                      "(2026-01-31T12:00:00Z)");
  command
      ->add_option("--foreign-life", wanted->foreign_life,
                   "with --user and --issuer: seconds that such tokens live at most")
      ->capture_default_str()
      ->check(CLI::Range(1L, 31536000L));
}

}  // namespace sallyport::cli
