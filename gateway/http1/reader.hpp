// Reads one HTTP/1.1 message from bytes: the head, then the body piece by piece. Sans-IO: the caller owns
// socket, buffer and clock. head_scan.hpp does the syntax, head_rules.hpp refuses what has two meanings.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/message.hpp"

namespace sallyport::http1 {

struct HeadLimits {
  std::size_t head_size = 16 * 1024;
  std::size_t fields = 100;
  std::size_t trailer_fields = 32;
  std::size_t trailer_size = 8 * 1024;
};

// Why a message was refused. `status` answers a request (400, 414, 431, 501, 505); for a response it is
// always 502.
struct Refusal {
  unsigned status = 400;
  std::string_view code;  // for the log and the metrics: "duplicate_content_length"; static text
};

enum class Progress : std::uint8_t { need_more, complete, refused };

struct HeadStep {
  Progress progress = Progress::need_more;
  std::size_t consumed = 0;  // bytes of the head, where complete: the body starts behind them
  Refusal refusal;
};

struct BodyStep {
  Progress progress = Progress::need_more;  // complete: the message ended
  std::string_view piece;    // body bytes, a view into what was given; may be empty (chunk header)
  std::size_t consumed = 0;  // always > 0 unless more bytes are needed, the body is complete or refused
  Refusal refusal;
};

class RequestReader {
 public:
  explicit RequestReader(const HeadLimits& limits);
  ~RequestReader();

  void reset();  // for the next message; keeps memory
  // `bytes` is everything received since the head began, each time from its first byte (so that views into it
  // hold). Empty lines before the start line are skipped as RFC 9112 2.2 allows (at most one CRLF).
  HeadStep read_head(std::string_view bytes);
  const gateway::RequestHead& head() const;  // valid after read_head said complete, as long as `bytes` stays
  BodyStep read_body(std::string_view bytes);  // bytes not consumed so far; call until complete
  const gateway::Fields& trailers() const;  // those received, once the body is complete (copied: own memory)

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class ResponseReader {
 public:
  explicit ResponseReader(const HeadLimits& limits);
  ~ResponseReader();

  void reset(bool to_head_request);            // a response to HEAD has no body whatever its fields say
  HeadStep read_head(std::string_view bytes);  // 1xx are complete heads without a body: reset() and read on
  const gateway::ResponseHead& head() const;
  BodyStep read_body(std::string_view bytes);
  // The peer closed. complete: that ended an until_close body; refused: the message was cut.
  BodyStep end_of_stream();
  const gateway::Fields& trailers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::http1
