// Redis' wire format: commands to bytes, bytes to replies. hiredis is the codec; this is all that knows it.
#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::stores::redis {

// One reply of RESP2 as a value.
struct Reply {
  enum class Type : unsigned char { nil, string, status, error, integer, array };
  Type type = Type::nil;
  long long integer = 0;
  std::string text;             // string, status, error
  std::vector<Reply> elements;  // array

  bool is_nil() const { return type == Type::nil; }
  bool is_string() const { return type == Type::string; }
  bool is_error() const { return type == Type::error; }
  bool is_integer() const { return type == Type::integer; }
  bool is_array() const { return type == Type::array; }
};

// What a reply may cost us, whatever the server says.
struct ReplyLimits {
  std::size_t elements = 262'144;             // of one reply, nested ones included
  std::size_t depth = 7;                      // arrays in arrays
  std::size_t bytes = std::size_t{32} << 20;  // buffered for one reply
};

// Binary-safe: no argument is ever interpreted.
std::string encode(std::span<const std::string_view> arguments);
std::string encode(std::initializer_list<std::string_view> arguments);
std::string encode(const std::vector<std::string>& arguments);

// Cuts a byte stream into replies. After an error it is of no more use: neither is the connection.
class ReplyReader {
 public:
  explicit ReplyReader(ReplyLimits limits = {});
  ~ReplyReader();
  ReplyReader(ReplyReader&&) noexcept;
  ReplyReader& operator=(ReplyReader&&) noexcept;

  // False: the reader is broken (see next()).
  bool feed(std::string_view bytes);

  // The next whole reply; nullopt: not all of it is here yet. The error says what was wrong with the bytes.
  boost::system::result<std::optional<Reply>, std::string> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::stores::redis
