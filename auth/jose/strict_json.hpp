// JSON as a gateway reads it (RFC 8259, tightened): UTF-8 only, no duplicate members at any depth, no bytes
// behind the value, bounded depth, integers beyond 64 bits and infinite numbers refused.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sallyport::jose {

inline constexpr std::size_t kMaxJsonDepth = 16;
inline constexpr std::size_t kJsonDepthLimit =
    64;  // a larger wish is cut to this: the parser's stack stays small

// The error says what is wrong, for a log or a developer: "duplicate member \"exp\"".
boost::system::result<boost::json::value, std::string> parse_strict_json(
    std::string_view text, std::size_t max_depth = kMaxJsonDepth);

// The same with scratch memory that is used again; for hot paths. Not thread-safe, one per worker.
class StrictJsonParser {
 public:
  explicit StrictJsonParser(std::size_t max_depth = kMaxJsonDepth);
  ~StrictJsonParser();
  StrictJsonParser(StrictJsonParser&&) noexcept;
  StrictJsonParser& operator=(StrictJsonParser&&) noexcept;

  // The value lives in `storage`.
  boost::system::result<boost::json::value, std::string> parse(std::string_view text,
                                                               boost::json::storage_ptr storage = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::jose
