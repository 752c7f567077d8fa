// Starts redis-server and speaks just enough RESP2 to ask whether it is there.
#include "tests/support/redis_server.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace sallyport::testing {

// Debian ships the server's program in redis-tools too, as redis-check-rdb.
std::string redis_program() {
  const char* path = std::getenv("PATH");
  std::string folders = std::string(path != nullptr ? path : "") + ":/usr/bin:/usr/local/bin";
  for (const char* name : {"redis-server", "redis-check-rdb"}) {
    for (std::size_t at = 0; at < folders.size();) {
      std::size_t end = std::min(folders.find(':', at), folders.size());
      std::string program = folders.substr(at, end - at) + "/" + name;
      if (::access(program.c_str(), X_OK) == 0) return program;
      at = end + 1;
    }
  }
  return {};
}

namespace {

RedisReply read_reply(MessageStream& stream, Deadline deadline) {
  std::string line = stream.read_through("\r\n", deadline);
  if (line.size() < 3 || !line.ends_with("\r\n")) throw std::runtime_error("redis closed the connection");
  RedisReply reply{line[0], line.substr(1, line.size() - 3), {}};
  if (reply.type == '$' || reply.type == '*') {
    long long n = std::stoll(reply.text);
    reply.text.clear();
    if (n < 0) {
      reply.type = '_';
    } else if (reply.type == '$') {
      reply.text = stream.read_exactly(static_cast<std::size_t>(n) + 2, deadline);
      reply.text.resize(static_cast<std::size_t>(n));
    } else {
      for (long long i = 0; i < n; ++i) reply.items.push_back(read_reply(stream, deadline));
    }
  }
  return reply;
}

std::string encode(const std::vector<std::string>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

}  // namespace

bool RedisServer::available() { return !redis_program().empty(); }

RedisServer::RedisServer(RedisOptions options) : options_(std::move(options)), port_(free_port()) {
  if (options_.tls) tls_port_ = free_port();
  start();
}

RedisServer::~RedisServer() {
  if (running()) process_->signal(SIGKILL);
}

std::string RedisServer::url(int database) const {
  std::string user = options_.password.empty() ? "" : ":" + options_.password + "@";
  return "redis://" + user + "127.0.0.1:" + std::to_string(port_) + "/" + std::to_string(database);
}

std::string RedisServer::unix_url(int database) const {
  return "redis+unix://" + socket_path() + "?db=" + std::to_string(database);
}

void RedisServer::start(const std::vector<std::string>& more) {
  if (running()) throw std::logic_error("redis runs already");
  std::string program = redis_program();
  if (program.empty())
    throw std::runtime_error("no redis-server: apt-get install redis-server (or redis-tools)");
  std::string link = dir_ / "redis-server";
  if (::access(link.c_str(), F_OK) != 0 && ::symlink(program.c_str(), link.c_str()) != 0)
    throw std::runtime_error("can't link " + link);
  std::vector<std::string> argv{
      link,     "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", dir_.path().string(),
      "--save", "",       "--databases",         "16"};
  auto add = [&](std::initializer_list<std::string> words) { argv.insert(argv.end(), words); };
  if (options_.append_only) add({"--appendonly", "yes", "--appendfsync", "always"});
  if (options_.unix_socket) add({"--unixsocket", socket_path()});
  if (!options_.password.empty()) add({"--requirepass", options_.password});
  if (options_.tls) {
    const RedisTls& tls = *options_.tls;
    add({"--tls-port", std::to_string(tls_port_), "--tls-cert-file", tls.certificate, "--tls-key-file",
         tls.key, "--tls-ca-cert-file", tls.client_ca.empty() ? tls.certificate : tls.client_ca,
         "--tls-auth-clients", tls.client_ca.empty() ? "no" : "yes"});
  }
  argv.insert(argv.end(), options_.extra.begin(), options_.extra.end());
  argv.insert(argv.end(), more.begin(), more.end());
  process_ = std::make_unique<Process>(argv);
  // Its word that it accepts comes after the data is loaded; PING then proves it.
  if (!process_->wait_for_output("eady to accept connections"))
    throw std::runtime_error("redis isn't ready; it said:\n" + process_->out() + process_->err());
  RedisReply pong = command({"PING"});
  if (pong.text != "PONG") throw std::runtime_error("redis answers PING with " + pong.text);
}

void RedisServer::stop() {
  process_->signal(SIGCONT);
  process_->signal(SIGTERM);
  if (!process_->wait()) throw std::runtime_error("redis still runs after SIGTERM");
}

void RedisServer::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

void RedisServer::pause() { process_->signal(SIGSTOP); }

void RedisServer::resume() { process_->signal(SIGCONT); }

RedisReply RedisServer::command(const std::vector<std::string>& words, std::chrono::milliseconds time) const {
  return redis_command(port_, options_.password, words, time);
}

std::string RedisServer::info(const std::string& name, const std::vector<std::string>& words) const {
  std::string text;
  try {
    text = "\n" + command(words).text;
  } catch (const std::runtime_error&) {
    return {};
  }
  const std::size_t at = text.find("\n" + name + ":");
  if (at == text.npos) return {};
  const std::size_t begin = at + name.size() + 2;
  return text.substr(begin, text.find_first_of("\r\n", begin) - begin);
}

bool RedisServer::wait_for_info(const std::string& name, const std::string& value,
                                const std::vector<std::string>& words) const {
  return poll_until([&] { return info(name, words) == value; });
}

RedisReply redis_command(std::uint16_t port, const std::string& password,
                         const std::vector<std::string>& words, std::chrono::milliseconds time) {
  Deadline deadline = within(time);
  Fd fd = connect_tcp(port, deadline);
  MessageStream stream(fd.get());
  if (!password.empty()) {
    send_all(fd.get(), encode({"AUTH", password}), deadline);
    read_reply(stream, deadline);
  }
  send_all(fd.get(), encode(words), deadline);
  return read_reply(stream, deadline);
}

bool poll_until(const std::function<bool()>& so, std::chrono::milliseconds time) {
  const Deadline deadline = within(time);
  while (!so()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace sallyport::testing
