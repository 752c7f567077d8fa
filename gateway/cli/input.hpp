// Text that must not stand on a command line: passwords and tokens, from a file, stdin or a terminal without
// echo.
#pragma once

#include <boost/system/result.hpp>
#include <optional>
#include <string>
#include <utility>

#include "config/secret.hpp"
#include "gateway/cli/cli.hpp"

namespace sallyport::cli {

struct InputError {
  int code = kWrongInput;  // to exit with
  std::string message;     // for the operator
};
template <typename T>
using InputResult = boost::system::result<T, InputError>;

// From `file` if it isn't empty (its last newline dropped); else asked for twice without echo when stdin is a
// terminal; else the first line of stdin.
InputResult<config::Secret> read_password(const std::string& file);

// `argument` itself, or the first line of stdin where it is "-".
InputResult<std::string> argument_or_stdin(const std::string& argument);

InputResult<std::string> read_whole(const std::string& file);

// "name=value" -> both; the name must not be empty.
std::optional<std::pair<std::string, std::string>> split_pair(const std::string& text);

}  // namespace sallyport::cli
