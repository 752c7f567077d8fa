// fork, exec, and Asio's signal set and descriptor.
#include "gateway/demo/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sallyport::demo {

namespace {

constexpr std::size_t kMaxLine = 1024 * 1024;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Child::Child(boost::asio::io_context& io, std::vector<std::string> argv, OnLine on_line)
    : io_(io), log_(io), signals_(io, SIGINT, SIGTERM, SIGCHLD), on_line_(std::move(on_line)) {
  signals_.add(SIGHUP);
  signals_.add(SIGUSR1);
  std::vector<char*> arguments;
  for (std::string& argument : argv) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  int log[2], failure[2];
  if (::pipe2(log, O_CLOEXEC) != 0 || ::pipe2(failure, O_CLOEXEC) != 0) fail("pipe2");

  const pid_t parent = ::getpid();
  io_.notify_fork(boost::asio::io_context::fork_prepare);
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::setpgid(0, 0);
    ::dup2(log[1], STDERR_FILENO);
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD}) ::signal(number, SIG_DFL);
    if (::getppid() == parent) ::execv(arguments[0], arguments.data());
    const int error = errno;
    [[maybe_unused]] ssize_t written = ::write(failure[1], &error, sizeof error);
    ::_exit(127);
  }
  io_.notify_fork(boost::asio::io_context::fork_parent);
  ::close(log[1]);
  ::close(failure[1]);
  int error = 0;
  const bool started = ::read(failure[0], &error, sizeof error) == 0;
  ::close(failure[0]);
  log_.assign(log[0]);
  if (!started) {
    ::waitpid(pid_, nullptr, 0);
    errno = error;
    fail("can't start " + argv[0]);
  }
  wait_for_signal();
  read_log();
  reap();  // it may have ended before the signal set saw it
}

void Child::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code ec, int number) {
    if (ec) return;
    if (number == SIGCHLD)
      reap();
    else if (!code_)
      ::kill(pid_, number);
    wait_for_signal();
  });
}

void Child::read_log() {
  boost::asio::async_read_until(log_, boost::asio::dynamic_buffer(buffer_, kMaxLine), '\n',
                                [this](boost::system::error_code ec, std::size_t size) {
                                  if (ec) {
                                    if (!buffer_.empty()) on_line_(std::exchange(buffer_, {}));
                                    log_ended_ = true;
                                    return finish();
                                  }
                                  on_line_(buffer_.substr(0, size - 1));
                                  buffer_.erase(0, size);
                                  read_log();
                                });
}

void Child::reap() {
  int status = 0;
  if (code_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  finish();
}

void Child::finish() {
  if (!code_ || !log_ended_) return;
  done_ = true;
  io_.stop();
}

}  // namespace sallyport::demo
