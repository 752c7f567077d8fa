// Takes a chunked body apart (RFC 9112 7.1), strictly: CRLF only, no blanks around the size, extensions
// well-formed and then ignored, sizes that cannot overflow. Trailer fields are kept apart from the head, in
// memory of their own.
#pragma once

#include <string>

#include "gateway/http1/reader.hpp"

namespace sallyport::http1 {

inline constexpr std::size_t kMaxChunkLine =
    256;  // size and extensions, without CRLF: AWS signatures need 90

class ChunkReader {
 public:
  explicit ChunkReader(const HeadLimits& limits) : limits_(limits) {}

  void reset();
  // As RequestReader::read_body: bytes not consumed so far, until complete. Refusals are 400; the caller maps
  // them.
  BodyStep read(std::string_view bytes);
  bool complete() const { return state_ == State::done; }
  const gateway::Fields& trailers() const { return trailers_; }

 private:
  enum class State : unsigned char { size, data, data_end, trailer, done, refused };
  struct Line {
    bool found = false;
    std::string_view text;   // without CRLF
    std::string_view wrong;  // code of a refusal, or empty
  };

  Line next_line(std::string_view bytes, std::size_t limit, std::string_view too_long);
  std::string_view read_size(std::string_view line);
  std::string_view read_trailer(std::string_view line);
  void point_at_trailers();

  struct Span {
    std::size_t name, name_size, value, value_size;
  };

  HeadLimits limits_;
  State state_ = State::size;
  std::uint64_t left_ = 0;   // of the current chunk
  std::size_t scanned_ = 0;  // bytes of an unfinished line already looked at
  std::size_t trailer_bytes_ = 0;
  std::string_view wrong_;
  std::string memory_;  // of the trailers
  std::vector<Span> spans_;
  gateway::Fields trailers_;
};

}  // namespace sallyport::http1
