// Starts PostgreSQL, which refuses to run as root: there it runs as nobody.
#include "tests/support/postgres_server.hpp"

#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {
namespace {

namespace fs = std::filesystem;
constexpr const char* kPassword = "p@ss word";
constexpr uid_t kNobody = 65534;

// Debian keeps the programs of each version apart.
fs::path programs() {
  std::error_code ec;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ec))
    if (fs::exists(version.path() / "bin/postgres")) return version.path() / "bin";
  throw std::runtime_error("no PostgreSQL: apt-get install postgresql");
}

}  // namespace

std::vector<std::string> PostgresServer::as_owner(std::vector<std::string> argv) const {
  if (::geteuid() != 0) return argv;
  const std::string nobody = std::to_string(kNobody);
  std::vector<std::string> words{"setpriv", "--reuid",        nobody,        "--regid",
                                 nobody,    "--clear-groups", "--pdeathsig", "KILL"};
  words.insert(words.end(), argv.begin(), argv.end());
  return words;
}

PostgresServer::PostgresServer() : port_(free_port()) {
  std::string name = (fs::temp_directory_path() / "sallyport-postgres-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  dir_ = name;
  std::ofstream(dir_ / "password") << kPassword;
  if (::geteuid() == 0 && (::chown(name.c_str(), kNobody, kNobody) != 0 ||
                           ::chown((dir_ / "password").c_str(), kNobody, kNobody) != 0))
    throw std::runtime_error("can't give the folder to nobody");
  const Outcome made = run(as_owner({(programs() / "initdb").string(), "-D", (dir_ / "data").string(), "-U",
                                     "shop", "--auth=scram-sha-256", "--pwfile", (dir_ / "password").string(),
                                     "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"}),
                           {.directory = name});
  if (made.code != 0) throw std::runtime_error("initdb failed: " + made.out + made.err);
  start();
  sql("CREATE DATABASE shop");
}

PostgresServer::~PostgresServer() {
  kill();
  std::error_code ec;
  fs::remove_all(dir_, ec);
}

std::string PostgresServer::url() const {
  return "postgresql://shop:p%40ss%20word@127.0.0.1:" + std::to_string(port_) + "/shop";
}

void PostgresServer::start() {
  process_ = std::make_unique<Process>(
      as_owner({(programs() / "postgres").string(), "-D", (dir_ / "data").string(), "-p",
                std::to_string(port_), "-c", "listen_addresses=127.0.0.1", "-c",
                "unix_socket_directories=" + dir_.string(), "-c", "fsync=off"}),
      ProcessOptions{.directory = dir_.string()});
  if (!process_->wait_for_output("ready to accept connections"))
    throw std::runtime_error("PostgreSQL isn't ready; it said:\n" + process_->err());
}

void PostgresServer::kill() {
  if (!process_->running()) return;
  process_->signal(SIGCONT);
  process_->signal(SIGQUIT);  // the postmaster ends its children with it; after SIGKILL they would go on
  process_->wait();
}

// Every process of the server has a connection's end, so all of them have to stand still.
std::vector<pid_t> PostgresServer::processes() const {
  std::vector<pid_t> all{process_->pid()};
  const std::string list =
      "/proc/" + std::to_string(process_->pid()) + "/task/" + std::to_string(process_->pid()) + "/children";
  std::ifstream children(list);
  for (pid_t child = 0; children >> child;) all.push_back(child);
  return all;
}

void PostgresServer::pause() {
  for (const pid_t pid : processes()) ::kill(pid, SIGSTOP);
}

void PostgresServer::resume() {
  for (const pid_t pid : processes()) ::kill(pid, SIGCONT);
}

std::string PostgresServer::sql(const std::string& statements) const {
  const std::string database = statements.starts_with("CREATE DATABASE") ? "postgres" : "shop";
  const std::string where = "host=127.0.0.1 user=shop password='" + std::string(kPassword) +
                            "' port=" + std::to_string(port_) + " dbname=" + database;
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(where.c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), statements.c_str()),
                                                             &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error("PostgreSQL says: " + std::string(PQerrorMessage(connection.get())));
  if (status != PGRES_TUPLES_OK || PQntuples(result.get()) == 0) return {};
  return PQgetvalue(result.get(), 0, 0);
}

}  // namespace sallyport::testing
