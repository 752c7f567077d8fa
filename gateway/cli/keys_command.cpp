// keys new|rotate|list|revoke: the gateway's own keys in their directory.
#include <ctime>

#include "auth/jose/key_directory.hpp"
#include "gateway/cli/command.hpp"

namespace sallyport::cli {
namespace {

// The directory that the configuration names, or nullopt after saying why there is none.
std::optional<jose::KeyDirectory> directory(const config::Config& config) {
  const auto& signing = config.tokens.signing;
  const auto algorithm = jose::parse_algorithm(signing.algorithm);
  if (config.tokens.issuer.empty()) {
    complain("tokens.issuer isn't configured: this gateway has no keys of its own");
  } else if (!signing.secret.empty()) {
    complain(
        "tokens.signing.secret is the key; change it in the file or variable that it comes from and reload");
  } else if (signing.keys.empty() || signing.keys == "store" || !algorithm) {
    complain("tokens.signing.keys names no directory; these commands work on one");
  } else {
    return jose::KeyDirectory(signing.keys, *algorithm);
  }
  return std::nullopt;
}

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

int make(jose::KeyDirectory& keys) {
  const auto opened = keys.open(now_seconds());
  if (!opened) return failed(opened.error());
  say("current: " + opened->signing->id + " " + std::string(jose::to_string(opened->signing->algorithm)));
  return kFine;
}

int rotate(jose::KeyDirectory& keys, bool refresh) {
  const auto id = refresh ? keys.rotate_refresh(now_seconds()) : keys.rotate(now_seconds());
  if (!id) return failed(id.error());
  say("current: " + *id);
  complain(refresh ? "the key before still verifies; running gateways use the new one within seconds"
                   : "the key before still verifies; running gateways sign with the new one within seconds");
  return kFine;
}

int list(jose::KeyDirectory& keys) {
  const auto infos = keys.list();
  if (!infos) return failed(infos.error());
  for (const auto& key : *infos) {
    say(key.id + "  " + key.kind + "  " + key.state + "  created " + date(key.created) +
        (key.retired ? "  retired " + date(*key.retired) : ""));
  }
  return kFine;
}

int revoke(jose::KeyDirectory& keys, const std::string& id) {
  const auto removed = keys.revoke(id, now_seconds());
  if (!removed) {
    complain(removed.error());
    return kWrongInput;
  }
  say("removed " + id);
  complain("running gateways drop it within seconds: what it signed is token_invalid then");
  return kFine;
}

void add_act(CLI::App& parent, Invocation& invocation, const std::string& name, const std::string& what,
             const std::string& example, std::function<int(jose::KeyDirectory&)> act,
             CLI::App** made = nullptr) {
  CLI::App* command =
      add_command(parent, invocation, name, what, example, [&invocation, act = std::move(act)] {
        int code = kFine;
        const auto config = load(invocation, code);
        if (!config) return code;
        auto keys = directory(*config);
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
      "sallyport keys rotate",
      [refresh](jose::KeyDirectory& directory) { return rotate(directory, *refresh); }, &rotating);
  rotating->add_flag("--refresh", *refresh, "the MAC key of refresh tokens in place of the signing key");

  add_act(*keys, invocation, "list", "List keys with id, kind, state and age", "sallyport keys list", list);

  const auto id = std::make_shared<std::string>();
  CLI::App* revoking = nullptr;
  add_act(
      *keys, invocation, "revoke", "Remove a key: what it signed is refused",
      "sallyport keys revoke -- KEY_ID",
      [id](jose::KeyDirectory& directory) { return revoke(directory, *id); }, &revoking);
  revoking->add_option("id", *id, "the key's id (behind -- where it begins with a dash)")->required();
}

}  // namespace sallyport::cli
