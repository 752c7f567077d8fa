#include "gateway/cli/command.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "config/load.hpp"

namespace sallyport::cli {

CLI::App* add_command(CLI::App& parent, Invocation& invocation, const std::string& name,
                      const std::string& what, const std::string& example, std::function<int()> action) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->add_option("-c,--config", invocation.config_path, "the YAML file")
      ->capture_default_str()
      ->envname("SALLYPORT_CONFIG");
  command->footer("Example:\n  " + example);
  command->callback([&invocation, action = std::move(action)] { invocation.action = action; });
  return command;
}

void say(const std::string& line) { std::cout << line << '\n'; }
void complain(const std::string& line) { std::cerr << "sallyport: " << line << '\n'; }

std::optional<config::Config> load(const Invocation& invocation, int& code) {
  std::error_code ec;
  if (!std::filesystem::exists(invocation.config_path, ec)) {
    complain("there is no file " + invocation.config_path + "; name one with --config");
    code = kNotThere;
    return std::nullopt;
  }
  config::Loaded loaded = config::load_file(invocation.config_path, config::process_environment());
  for (const auto& problem : loaded.problems) std::cerr << problem.text() << '\n';
  if (!loaded.problems.empty()) {
    code = kWrongInput;
    return std::nullopt;
  }
  return std::move(loaded.config);
}

UnixMillis now_millis() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
UnixSeconds now_seconds() { return to_seconds(now_millis()); }

int with_stores(const config::Config& config, const StoreAction& action) {
  if (config.store.kind == config::StoreKind::memory) {
    complain(
        "the store is memory:, which lives only inside the running gateway; set store: to sqlite:FILE or "
        "redis://... to "
        "work on it from here");
    return kWrongInput;
  }
  auto backend = stores::open(config.store, config.tokens.refresh);
  if (!backend) {
    complain(backend.error());
    return kNotThere;
  }
  net::io_context context;
  stores::Stores stores = (*backend)->connect(context.get_executor());
  std::optional<int> code;
  std::exception_ptr thrown;
  spawn(context, action(stores), [&](std::exception_ptr e, int result) {
    thrown = e;
    code = result;
  });
  // Not run(): a store may keep a connection alive that never ends.
  while (!code && context.run_one() > 0) {
  }
  if (!code) throw std::logic_error("the store forgot to answer");
  if (thrown) std::rethrow_exception(thrown);
  return *code;
}

int store_failed(const config::Config& config, const StoreError& error) {
  const char* what = "isn't reachable";
  switch (error.kind) {
    case StoreError::Kind::unreachable:
      break;
    case StoreError::Kind::timeout:
      what = "didn't answer in time";
      break;
    case StoreError::Kind::refused:
      what = "refused";
      break;
    case StoreError::Kind::corrupt:
      what = "holds something that isn't ours";
      break;
    case StoreError::Kind::overloaded:
      what = "is overloaded";
      break;
  }
  complain("the store " + config.store.url + " " + what + (error.detail.empty() ? "" : ": " + error.detail) +
           (error.outcome_unknown()
                ? "; it is unknown whether the change took place, repeating the command is safe"
                : ""));
  return kNotThere;
}

}  // namespace sallyport::cli
