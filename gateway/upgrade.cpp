#include "gateway/upgrade.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "config/urls.hpp"
#include "gateway/net/listen.hpp"

extern char** environ;

namespace sallyport::gateway {
namespace {

constexpr const char* kDoors = "SALLYPORT_DOORS";
constexpr const char* kWord = "SALLYPORT_UPGRADE_PIPE";
constexpr std::chrono::milliseconds kLook{20};  // at a process that is to end
constexpr std::chrono::seconds kLastPatience{5};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool listens_at(int descriptor, const config::Address& address) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return false;
  sockaddr_storage local{};
  size = sizeof local;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &size) != 0) return false;
  const std::uint16_t port = local.ss_family == AF_INET6
                                 ? reinterpret_cast<const sockaddr_in6&>(local).sin6_port
                                 : reinterpret_cast<const sockaddr_in&>(local).sin_port;
  return ntohs(port) == address.port;
}

std::string taken_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

void close_all(const std::vector<OpenDoor>& doors) {
  for (const OpenDoor& door : doors)
    for (const int descriptor : door.descriptors) ::close(descriptor);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Descriptors for a successor, which has them from kFirst on: so that everything above can be closed there,
// whoever opened it without saying that it ends at an exec.
class HandedOver {
 public:
  explicit HandedOver(std::size_t count) : end_(kFirst + static_cast<int>(count)) {
    posix_spawn_file_actions_init(&actions_);
  }
  HandedOver(const HandedOver&) = delete;
  HandedOver& operator=(const HandedOver&) = delete;
  ~HandedOver() {
    for (const int copy : copies_) ::close(copy);
    posix_spawn_file_actions_destroy(&actions_);
  }
  // What it is called over there; -1: none is left here. The copy lies above all those names, so that none is
  // overwritten before its turn.
  int add(int descriptor) {
    const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, end_);
    if (copy < 0) return -1;
    copies_.push_back(copy);
    const int name = kFirst + static_cast<int>(copies_.size()) - 1;
    posix_spawn_file_actions_adddup2(&actions_, copy, name);
    return name;
  }
  const posix_spawn_file_actions_t* actions() {
    posix_spawn_file_actions_addclosefrom_np(&actions_, end_);
    return &actions_;
  }

 private:
  static constexpr int kFirst = 3;
  int end_;
  std::vector<int> copies_;
  posix_spawn_file_actions_t actions_{};
};

// With our environment, and with signals as at a start; of our descriptors it gets the doors and the pipe. 0:
// errno says why there is none.
pid_t start(const std::string& program, std::vector<std::string> arguments, std::vector<OpenDoor> doors,
            int word) {
  std::size_t count = 1;
  for (const OpenDoor& door : doors) count += door.descriptors.size();
  HandedOver handed(count);
  bool whole = true;
  const auto hand = [&](int& descriptor) {
    descriptor = handed.add(descriptor);
    whole = whole && descriptor >= 0;
  };
  for (OpenDoor& door : doors)
    for (int& descriptor : door.descriptors) hand(descriptor);
  hand(word);
  if (!whole) return 0;

  arguments.insert(arguments.begin(), program);
  std::vector<std::string> environment;
  for (char** one = environ; *one != nullptr; ++one) environment.emplace_back(*one);
  environment.push_back(std::string(kDoors) + "=" + doors_text(doors));
  environment.push_back(std::string(kWord) + "=" + std::to_string(word));

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, program.c_str(), handed.actions(), &attributes,
                                   pointers(arguments).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  errno = failed;
  return failed == 0 ? pid : 0;
}

// True: the word came. False: the other end is closed, or it took too long.
Task<bool> hears(net::io_context& control, int from, std::chrono::seconds patience) {
  const auto pipe = std::make_shared<net::posix::stream_descriptor>(control, from);
  net::steady_timer timer(control, patience);
  timer.async_wait([pipe](const boost::system::error_code& ec) {
    boost::system::error_code ignored;
    if (!ec) pipe->cancel(ignored);
  });
  char word = 0;
  auto [ec, n] = co_await pipe->async_read_some(net::buffer(&word, 1), kAwait);
  timer.cancel();
  co_return !ec && n == 1;
}

// Ends it where it hasn't ended by itself, and says how it did.
Task<std::string> buried(net::io_context& control, pid_t pid) {
  net::steady_timer timer(control);
  int status = 0;
  bool told = false;
  for (auto left = kLastPatience / kLook; ::waitpid(pid, &status, WNOHANG) == 0; --left) {
    // The pipe's end is closed a moment before the process is gone.
    if (left == kLastPatience / kLook - 5) told = ::kill(pid, SIGTERM) == 0;
    if (left <= 0) ::kill(pid, SIGKILL);
    timer.expires_after(kLook);
    auto [ec] = co_await timer.async_wait(kAwait);
    (void)ec;
  }
  if (told) co_return "it was not ready in time";
  if (WIFSIGNALED(status)) co_return "signal " + std::to_string(WTERMSIG(status)) + " ended it";
  co_return "it ended with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string doors_text(const std::vector<OpenDoor>& doors) {
  std::string text;
  for (const OpenDoor& door : doors) {
    text += (text.empty() ? "" : ";") + to_text(door.address) + "=";
    for (std::size_t i = 0; i < door.descriptors.size(); ++i)
      text += (i == 0 ? "" : ",") + std::to_string(door.descriptors[i]);
  }
  return text;
}

std::vector<OpenDoor> parse_doors(std::string_view text) {
  std::vector<OpenDoor> doors;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const auto equals = one.find('=');
    if (equals == one.npos) continue;
    const auto address = config::parse_address(one.substr(0, equals));
    if (!address) continue;
    OpenDoor door{*address, {}};
    std::string_view list = one.substr(equals + 1);
    while (!list.empty()) {
      const std::string_view item = list.substr(0, list.find(','));
      list.remove_prefix(std::min(list.size(), item.size() + 1));
      if (const auto descriptor = number(item)) door.descriptors.push_back(*descriptor);
    }
    if (!door.descriptors.empty()) doors.push_back(std::move(door));
  }
  return doors;
}

Inheritance::~Inheritance() {
  close_all(doors_);
  if (heard_ >= 0) ::close(heard_);
}

void Inheritance::claim() {
  const std::string doors = taken_from_environment(kDoors), word = taken_from_environment(kWord);
  const auto pipe = number(word);
  if (!pipe || ::fcntl(*pipe, F_SETFD, FD_CLOEXEC) != 0) return;
  heard_ = *pipe;
  for (OpenDoor& door : parse_doors(doors)) {
    std::erase_if(door.descriptors, [&](int descriptor) {
      return !listens_at(descriptor, door.address) || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0;
    });
    if (!door.descriptors.empty()) doors_.push_back(std::move(door));
  }
}

std::size_t Inheritance::widest() const {
  std::size_t most = 0;
  for (const OpenDoor& door : doors_) most = std::max(most, door.descriptors.size());
  return most;
}

std::vector<int> Inheritance::take(config::Address& address) {
  const auto found = std::find_if(doors_.begin(), doors_.end(), [&](const OpenDoor& door) {
    return door.address.host == address.host && (address.port == 0 || door.address.port == address.port);
  });
  if (found == doors_.end()) return {};
  std::vector<int> descriptors = std::move(found->descriptors);
  address.port = found->address.port;
  doors_.erase(found);
  return descriptors;
}

void Inheritance::announce() {
  if (heard_ < 0) return;
  if (::write(heard_, "r", 1) != 1) spdlog::warn("the program that served before is gone already");
  ::close(std::exchange(heard_, -1));
  close_all(std::exchange(doors_, {}));
}

Task<std::string> start_heir(net::io_context& control, std::string program,
                             std::vector<std::string> arguments, std::vector<OpenDoor> doors,
                             std::chrono::seconds patience, pid_t& pid) {
  std::array<int, 2> pipe{-1, -1};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    const int code = errno;
    close_all(doors);
    co_return std::string("no pipe: ") + std::strerror(code);
  }
  pid = start(program, std::move(arguments), doors, pipe[1]);
  const int code = errno;
  close_all(doors);
  ::close(pipe[1]);
  if (pid == 0) {
    ::close(pipe[0]);
    co_return program + " can't be started: " + std::strerror(code);
  }
  const bool serves = co_await hears(control, pipe[0], patience);
  if (serves) co_return std::string();
  co_return co_await buried(control, pid);
}

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  std::string text(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  constexpr std::string_view kReplaced = " (deleted)";
  if (text.ends_with(kReplaced)) text.resize(text.size() - kReplaced.size());
  return text;
}

void notify_manager(const std::string& state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (name == nullptr || name[0] == 0 || std::strlen(name) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, name);
  if (name[0] == '@') address.sun_path[0] = 0;  // abstract
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(name));
  if (::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
               size) < 0)
    spdlog::warn("the service manager doesn't hear us: {}", std::strerror(errno));
  ::close(fd);
}

}  // namespace sallyport::gateway
