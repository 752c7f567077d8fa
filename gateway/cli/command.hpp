// What the commands share: how they are registered, and how they get at configuration and store.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <string>

#include "auth/jose/token_verifier.hpp"
#include "auth/stores/stores.hpp"
#include "auth/task.hpp"
#include "auth/time.hpp"
#include "config/config.hpp"
#include "gateway/cli/cli.hpp"

namespace sallyport::cli {

// One invocation. Parsing fills `config_path` and `action`; then the action runs, once.
struct Invocation {
  std::string config_path = "gateway.yaml";
  std::function<int()> action;
};

// Each adds its command (and sub-commands) to `app`. `invocation` outlives `app`.
void add_serve(CLI::App& app, Invocation& invocation);
void add_check(CLI::App& app, Invocation& invocation);
void add_explain(CLI::App& app, Invocation& invocation);
void add_schema(CLI::App& app, Invocation& invocation);
void add_version(CLI::App& app, Invocation& invocation);
void add_ping(CLI::App& app, Invocation& invocation);
void add_openapi(CLI::App& app, Invocation& invocation);
void add_keys(CLI::App& app, Invocation& invocation);
void add_user(CLI::App& app, Invocation& invocation);
void add_token(CLI::App& app, Invocation& invocation);
void add_revoke(CLI::App& app, Invocation& invocation);

// A sub-command with --config, an example under its --help, and an action.
CLI::App* add_command(CLI::App& parent, Invocation& invocation, const std::string& name,
                      const std::string& what, const std::string& example, std::function<int()> action);

void say(const std::string& line);       // to stdout
void complain(const std::string& line);  // to stderr, "sallyport: ..."

// The configuration, or nullopt and `code` after every problem was printed.
std::optional<config::Config> load(const Invocation& invocation, int& code);

std::string explained(jose::TokenError error);  // for people: "the signature is not that of the key"

UnixMillis now_millis();
UnixSeconds now_seconds();

// Runs a coroutine over the configured store to its end and returns its exit code. A memory: store is
// refused: it lives only in the running gateway.
using StoreAction = std::function<Task<int>(stores::Stores&)>;
int with_stores(const config::Config& config, const StoreAction& action);

// Tells every gateway of the store to refuse what this key of the issuer signed; says so.
int revoke_key(const config::Config& config, const std::string& issuer, const std::string& id);

// The plain message for a store that didn't answer; returns kNotThere.
int store_failed(const config::Config& config, const StoreError& error);

}  // namespace sallyport::cli
