#include "gateway/cli/cli.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <exception>

#include "gateway/cli/command.hpp"

namespace sallyport::cli {
namespace {

int run_command(int argc, char** argv) {
  Invocation invocation;
  CLI::App app("Sallyport: an authentication gateway in front of your APIs.", "sallyport");
  app.footer(
      "Example:\n  sallyport serve --config gateway.yaml\nExit codes: 0 fine, 1 wrong input, 2 usage, 3 a "
      "dependency was not there.");
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", std::string("sallyport ") + SALLYPORT_VERSION);
  app.add_option("-c,--config", invocation.config_path, "the YAML file (without a command: of serve)")
      ->capture_default_str()
      ->envname("SALLYPORT_CONFIG");
  add_serve(app, invocation);
  add_check(app, invocation);
  add_explain(app, invocation);
  add_ping(app, invocation);
  add_openapi(app, invocation);
  add_keys(app, invocation);
  add_user(app, invocation);
  add_token(app, invocation);
  add_revoke(app, invocation);
  add_schema(app, invocation);
  add_version(app, invocation);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  return invocation.action();
}

}  // namespace

int run(int argc, char** argv) {
  try {
    return run_command(argc, argv);
  } catch (const std::exception& error) {
    complain(error.what());
    return kWrongInput;
  }
}

}  // namespace sallyport::cli
