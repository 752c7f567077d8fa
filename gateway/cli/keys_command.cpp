// keys new|rotate|list|revoke|adopt: the gateway's own keys, in their folder or in the store.
#include <ctime>

#include "auth/jose/stored_keys.hpp"
#include "gateway/cli/command.hpp"
#include "gateway/cli/own_keys.hpp"
#include "gateway/issuers.hpp"

namespace sallyport::cli {
namespace {

constexpr std::size_t kRefreshIdLength = 8;  // those of signing keys are thumbprints

std::string date(UnixSeconds time) {
  const std::time_t seconds = static_cast<std::time_t>(time.time_since_epoch().count());
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

int failed(const std::string& message) {
  complain(message);
  return kNotThere;
}

int make(KeyHome& keys) {
  const auto opened = keys.open(now_seconds());
  if (!opened) return failed(opened.error());
  if (!opened->signing) {
    say("refresh: " + opened->refresh.front().id);
    return kFine;
  }
  say("current: " + opened->signing->id + " " + std::string(jose::to_string(opened->signing->algorithm)));
  return kFine;
}

int rotate(KeyHome& keys, bool refresh) {
  const auto id = refresh ? keys.rotate_refresh(now_seconds()) : keys.rotate(now_seconds());
  if (!id) return failed(id.error());
  say("current: " + *id);
  complain(refresh ? "the key before still verifies; running gateways use the new one within seconds"
                   : "the key before still verifies; running gateways sign with the new one within seconds");
  return kFine;
}

int list(KeyHome& keys) {
  const auto infos = keys.list();
  if (!infos) return failed(infos.error());
  for (const auto& key : *infos) {
    say(key.id + "  " + key.kind + "  " + key.state + "  created " + date(key.created) +
        (key.retired ? "  retired " + date(*key.retired) : ""));
  }
  return kFine;
}

// Gone from its home, it signs and verifies nothing once the gateways have looked there; the event in the log
// of revocations reaches them sooner.
int revoke(const config::Config& config, KeyHome& keys, const std::string& id) {
  const auto removed = keys.revoke(id, now_seconds());
  if (!removed) {
    complain(removed.error());
    return kWrongInput;
  }
  say("removed " + id);
  complain("running gateways drop it within seconds: what it signed is refused then");
  const bool told = config.store.kind != config::StoreKind::memory && id.size() > kRefreshIdLength;
  return told ? revoke_key(config, config.tokens.issuer, id) : kFine;
}

Task<int> adopt(stores::Stores& stores, const config::Config& config, const jose::OwnKeys& keys) {
  for (const auto& [purpose, id] :
       {std::pair<std::string, std::string>{"signing", keys.signing->id},
        std::pair<std::string, std::string>{"refresh", keys.refresh.front().id}}) {
    std::string name = purpose, ours = id;
    const auto said = co_await stores.keys->agree(std::move(name), std::move(ours), {}, true);
    if (!said) co_return store_failed(config, said.error());
    say(purpose + ": " + id);
  }
  complain(
      "gateways with other keys than these aren't ready any more; sessions of other keys must log in again");
  co_return kFine;
}

int adopt_ours(const config::Config& config) {
  if (config.tokens.issuer.empty()) {
    complain("tokens.issuer isn't configured: this gateway has no keys of its own");
    return kWrongInput;
  }
  if (jose::keys_in_store(config.tokens)) {
    complain("the keys are in the store: every gateway on it has the same ones, there is nothing to adopt");
    return kWrongInput;
  }
  const auto keys = gateway::open_own_keys(config.tokens, now_seconds());
  if (!keys) return failed(keys.error());
  return with_stores(config, [&](stores::Stores& stores) { return adopt(stores, config, *keys); });
}

void add_act(CLI::App& parent, Invocation& invocation, const std::string& name, const std::string& what,
             const std::string& example, std::function<int(KeyHome&)> act, CLI::App** made = nullptr) {
  CLI::App* command =
      add_command(parent, invocation, name, what, example, [&invocation, act = std::move(act)] {
        int code = kFine;
        const auto config = load(invocation, code);
        if (!config) return code;
        const auto keys = key_home(*config);
        return keys ? act(*keys) : kWrongInput;
      });
  if (made != nullptr) *made = command;
}

}  // namespace

void add_keys(CLI::App& app, Invocation& invocation) {
  CLI::App* keys = app.add_subcommand("keys", "The keys that sign the gateway's own tokens");
  keys->require_subcommand(1);
  keys->footer("Example:\n  sallyport keys list --config gateway.yaml");

  add_act(*keys, invocation, "new", "Make the keys if there are none yet (serve does so too)",
          "sallyport keys new", make);

  const auto refresh = std::make_shared<bool>(false);
  CLI::App* rotating = nullptr;
  add_act(
      *keys, invocation, "rotate", "Make a new current key; the one before goes on verifying",
      "sallyport keys rotate", [refresh](KeyHome& home) { return rotate(home, *refresh); }, &rotating);
  rotating->add_flag("--refresh", *refresh, "the MAC key of refresh tokens in place of the signing key");

  add_act(*keys, invocation, "list", "List keys with id, kind, state and age", "sallyport keys list", list);

  const auto id = std::make_shared<std::string>();
  CLI::App* revoking = add_command(*keys, invocation, "revoke", "Remove a key: what it signed is refused",
                                   "sallyport keys revoke -- KEY_ID", [&invocation, id] {
                                     int code = kFine;
                                     const auto config = load(invocation, code);
                                     if (!config) return code;
                                     const auto home = key_home(*config);
                                     return home ? revoke(*config, *home, *id) : kWrongInput;
                                   });
  add_command(*keys, invocation, "adopt",
              "Make this gateway's keys those of the store, where other gateways had others (a lost folder)",
              "sallyport keys adopt --config gateway.yaml", [&invocation] {
                int code = kFine;
                const auto config = load(invocation, code);
                return config ? adopt_ours(*config) : code;
              });
  revoking->add_option("id", *id, "the key's id (behind -- where it begins with a dash)")->required();
}

}  // namespace sallyport::cli
