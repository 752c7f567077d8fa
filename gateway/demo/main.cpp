// sallyport-demo: a small API with the real gateway in front, and the curl lines that show what it does. One
// command, nothing to set up; the gateway is the sibling program `sallyport`, started with a configuration
// written here.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/demo/child.hpp"
#include "gateway/demo/demo_api.hpp"
#include "gateway/demo/story.hpp"

namespace {

namespace fs = std::filesystem;
using namespace sallyport::demo;

constexpr int kUsage = 2;
constexpr int kNotThere = 3;  // a port, a file, a program

// "... listening on 127.0.0.1:8080 ..." -> 8080; 0: another line.
std::uint16_t listening_port(std::string_view line) {
  constexpr std::string_view kMark = "listening on 127.0.0.1:";
  const std::size_t at = line.find(kMark);
  std::uint16_t port = 0;
  if (at != line.npos) std::from_chars(line.data() + at + kMark.size(), line.data() + line.size(), port);
  return port;
}

// The folder holds signing keys and perhaps a store's password: for this user only.
fs::path write_configuration(const fs::path& folder, const Plan& plan) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
  const fs::path file = fs::absolute(folder) / "gateway.yaml";
  ::umask(077);
  std::ofstream out(file);
  out << gateway_yaml(plan);
  if (!out.flush()) throw std::runtime_error("can't write " + file.string());
  return file;
}

int run(const Plan& requested, const fs::path& folder, const fs::path& gateway) {
  boost::asio::io_context io(1);
  DemoApi api(io);
  Plan plan = requested;
  plan.api_port = api.port();
  const fs::path configuration = write_configuration(folder, plan);

  bool told = false;
  const auto on_line = [&](const std::string& line) {
    std::fprintf(stderr, "%s\n", line.c_str());
    const std::uint16_t port = listening_port(line);
    if (port == 0 || std::exchange(told, true)) return;
    std::fputs(story(plan, port).c_str(), stdout);
    std::fflush(stdout);
  };
  Child child(io, {gateway.string(), "serve", "--config", configuration.string()}, on_line);
  io.run();
  const int code = child.exit_code().value_or(1);
  if (code == kNotThere && !told)
    std::fprintf(
        stderr,
        "sallyport-demo: the gateway could not start: see above. Another port: sallyport-demo --port %u\n",
        plan.port + 1u);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path home = fs::read_symlink("/proc/self/exe").parent_path();
  Plan plan;
  std::string folder = (home / "demo-state").string();
  unsigned ttl = static_cast<unsigned>(plan.access_ttl.count());

  CLI::App app(
      "A small API with Sallyport in front of it, and the curl lines that tell its story.\n"
      "Example: sallyport-demo --store redis://127.0.0.1:6379/0 --port 9090");
  app.add_option("--store", plan.store,
                 "sqlite:FILE, redis://HOST:PORT/DB or memory: (default: SQLite in the state folder)");
  app.add_option("--port", plan.port, "port of the gateway on 127.0.0.1 (default 8080)");
  app.add_option("--access-ttl", ttl, "life of an access token in seconds (default 15)")
      ->check(CLI::Range(1u, 3600u));
  app.add_option("--state", folder,
                 "folder of its configuration, keys and data (default: demo-state beside the program)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  plan.access_ttl = std::chrono::seconds(ttl);

  try {
    return run(plan, folder, home / "sallyport");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sallyport-demo: %s\n", error.what());
    return kNotThere;
  }
}
