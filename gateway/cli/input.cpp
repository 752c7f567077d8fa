#include "gateway/cli/input.hpp"

#include <termios.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>

namespace sallyport::cli {
namespace {

constexpr std::size_t kMaxFile = 64 * 1024;

// No echo while it lives.
class Silence {
 public:
  Silence() : changed_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~Silence() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool changed_;
};

InputResult<std::string> first_line() {
  std::string line;
  if (!std::getline(std::cin, line)) return InputError{kWrongInput, "nothing came on stdin"};
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

InputResult<config::Secret> ask(const char* question) {
  std::cerr << question << std::flush;
  auto line = first_line();
  if (!line) return line.error();
  return config::Secret(std::move(*line));
}

}  // namespace

InputResult<std::string> read_whole(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return InputError{kWrongInput, "can't read " + file};
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.size() > kMaxFile) return InputError{kWrongInput, file + " is too long"};
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

InputResult<config::Secret> read_password(const std::string& file) {
  if (!file.empty()) {
    auto text = read_whole(file);
    if (!text) return text.error();
    return config::Secret(std::move(*text));
  }
  if (isatty(STDIN_FILENO) == 0) {
    auto line = first_line();
    if (!line)
      return InputError{kWrongInput,
                        line.error().message + "; give the password there or by --password-file"};
    return config::Secret(std::move(*line));
  }
  const Silence silence;
  auto first = ask("Password: ");
  if (!first) return first;
  const auto second = ask("Again: ");
  if (!second) return second;
  if (!first->equals(second->reveal())) return InputError{kWrongInput, "the two passwords differ"};
  return first;
}

InputResult<std::string> argument_or_stdin(const std::string& argument) {
  if (argument == "-") return first_line();
  return argument;
}

std::optional<std::pair<std::string, std::string>> split_pair(const std::string& text) {
  const auto at = text.find('=');
  if (at == text.npos || at == 0) return std::nullopt;
  return std::pair(text.substr(0, at), text.substr(at + 1));
}

}  // namespace sallyport::cli
