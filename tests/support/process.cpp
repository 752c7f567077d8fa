// Child processes: fork, exec, and one thread per child that polls its pipes and its pidfd.
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace sallyport::testing {

namespace {

struct Pipe {
  Fd read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return {Fd(ends[0]), Fd(ends[1])};
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    if (!added.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Process::Process(std::vector<std::string> argv, ProcessOptions options)
    : stdin_left_(std::move(options.stdin_text)) {
  std::vector<std::string> environment = environment_with(options.env);
  std::vector<char*> args = pointers(argv);
  std::vector<char*> env = pointers(environment);
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe(), failure = make_pipe();
  const pid_t parent = ::getpid();

  // Between fork and exec only async-signal-safe calls: other threads may hold locks.
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(in.read.get(), 0);
    ::dup2(out.write.get(), 1);
    ::dup2(err.write.get(), 2);
    if (options.directory.empty() || ::chdir(options.directory.c_str()) == 0) {
      ::execvpe(args[0], args.data(), env.data());
    }
    int error = errno;
    [[maybe_unused]] ssize_t n = ::write(failure.write.get(), &error, sizeof error);
    ::_exit(127);
  }
  failure.write.reset();
  int error = 0;
  if (::read(failure.read.get(), &error, sizeof error) > 0) {
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error("can't start " + argv[0] + ": " + std::generic_category().message(error));
  }
  pid_fd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!pid_fd_ || !wake_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error("pidfd_open or eventfd failed");
  }
  in_ = std::move(in.write);
  out_pipe_ = std::move(out.read);
  err_pipe_ = std::move(err.read);
  for (Fd* fd : {&in_, &out_pipe_, &err_pipe_}) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  if (stdin_left_.empty()) in_.reset();
  pump_ = std::thread(&Process::pump, this);
}

Process::~Process() {
  signal(SIGKILL);
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return code_.has_value(); });
    stop_ = true;  // a grandchild may hold the pipes open: don't wait for it
  }
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(wake_.get(), &one, sizeof one);
  pump_.join();
}

bool Process::running() const {
  std::lock_guard lock(mutex_);
  return !code_;
}

void Process::signal(int number) {
  std::lock_guard lock(mutex_);
  if (!code_) ::kill(pid_, number);  // under the lock: it can't be reaped, so the pid is its own
}

std::optional<int> Process::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return code_ && drained_; });
  return code_;
}

bool Process::wait_for_output(std::string_view text, std::chrono::milliseconds time) {
  return wait_until(
      [&](const std::string& out, const std::string& err) {
        return out.find(text) != out.npos || err.find(text) != err.npos;
      },
      time);
}

bool Process::wait_until(const Condition& condition, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return condition(out_, err_) || drained_; });
  return condition(out_, err_);
}

std::string Process::out() const {
  std::lock_guard lock(mutex_);
  return out_;
}

std::string Process::err() const {
  std::lock_guard lock(mutex_);
  return err_;
}

// Reads what is there now; closes the pipe and returns false at its end.
bool Process::drain(Fd& pipe, std::string& into) {
  char bytes[16384];
  for (;;) {
    ssize_t n = ::read(pipe.get(), bytes, sizeof bytes);
    if (n > 0) {
      std::lock_guard lock(mutex_);
      into.append(bytes, static_cast<std::size_t>(n));
      changed_.notify_all();
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {
      return true;
    } else {
      pipe.reset();
      return false;
    }
  }
}

void Process::pump() {
  sigset_t pipe_signal;  // a child that ended without reading its stdin: an error of write(), not the end of
                         // the test
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
  bool alive = true;
  while (alive) {
    pollfd items[] = {{pid_fd_.get(), POLLIN, 0},
                      {wake_.get(), POLLIN, 0},
                      {out_pipe_.get(), POLLIN, 0},
                      {err_pipe_.get(), POLLIN, 0},
                      {in_.get(), POLLOUT, 0}};  // a closed one is -1: ignored
    if (::poll(items, 5, -1) < 0) continue;
    if (out_pipe_ && items[2].revents != 0) drain(out_pipe_, out_);
    if (err_pipe_ && items[3].revents != 0) drain(err_pipe_, err_);
    if (in_ && items[4].revents != 0) {
      ssize_t n = ::write(in_.get(), stdin_left_.data(), stdin_left_.size());
      if (n > 0) stdin_left_.erase(0, static_cast<std::size_t>(n));
      if (stdin_left_.empty() || (n < 0 && errno != EAGAIN)) in_.reset();
    }
    if (items[0].revents != 0) {
      std::lock_guard lock(mutex_);
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        alive = false;
      }
    }
    std::lock_guard lock(mutex_);
    if (stop_) alive = false;
  }
  if (out_pipe_) drain(out_pipe_, out_);  // what it wrote last
  if (err_pipe_) drain(err_pipe_, err_);
  std::lock_guard lock(mutex_);
  drained_ = true;
  changed_.notify_all();
}

Outcome run(std::vector<std::string> argv, ProcessOptions options, std::chrono::milliseconds time) {
  std::string name = argv.at(0);
  Process process(std::move(argv), std::move(options));
  std::optional<int> code = process.wait(time);
  if (!code)
    throw std::runtime_error(name + " still runs after its time; it wrote: " + process.out() + process.err());
  return {*code, process.out(), process.err()};
}

}  // namespace sallyport::testing
