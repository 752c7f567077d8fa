// serve, check, schema, version: the commands that only read the configuration, and the one that runs it.
#include <boost/json/serialize.hpp>

#include <iostream>

#include "config/load.hpp"
#include "config/schema.hpp"
#include "gateway/cli/command.hpp"
#include "gateway/gateway.hpp"

namespace sallyport::cli {
namespace {

std::string counted(std::size_t n, const std::string& thing) {
  return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
}

int serve(const Invocation& invocation) {
  int code = kFine;
  const auto config = load(invocation, code);
  return config ? gateway::serve(*config, invocation.config_path) : code;
}

int check(const Invocation& invocation) {
  const config::Loaded loaded = config::load_file(invocation.config_path, config::process_environment());
  for (const auto& problem : loaded.problems) std::cerr << problem.text() << '\n';
  for (const auto& warning : loaded.warnings) std::cerr << "warning: " << warning.text() << '\n';
  if (!loaded.problems.empty()) return kWrongInput;
  const auto& config = loaded.config;
  say("ok: " + counted(config.routes.size(), "route") + ", " + counted(config.upstreams.size(), "upstream") +
      ", " + counted(config.listeners.size(), "listener") + ", store " + config.store.url);
  return kFine;
}

}  // namespace

void add_serve(CLI::App& app, Invocation& invocation) {
  invocation.action = [&invocation] { return serve(invocation); };  // the default command
  add_command(app, invocation, "serve", "Run the gateway (the default command)",
              "sallyport serve --config gateway.yaml", invocation.action);
}

void add_check(CLI::App& app, Invocation& invocation) {
  add_command(app, invocation, "check",
              "Validate a configuration: every problem with its place, then 1; nothing wrong, 0",
              "sallyport check --config gateway.yaml", [&invocation] { return check(invocation); });
}

void add_schema(CLI::App& app, Invocation& invocation) {
  add_command(app, invocation, "schema", "Print the JSON Schema of the configuration, for editors",
              "sallyport schema > sallyport.schema.json", [] {
                say(boost::json::serialize(config::schema()));
                return kFine;
              });
}

void add_version(CLI::App& app, Invocation& invocation) {
  add_command(app, invocation, "version", "Print the version", "sallyport version", [] {
    say(std::string("sallyport ") + SALLYPORT_VERSION);
    return kFine;
  });
}

}  // namespace sallyport::cli
