// One request on a client's connection and the way to answer it, whatever protocol carries it. handle_request
// and the relay see only this; http1/server_connection implements it, and a second protocol would.
#pragma once

#include <boost/system/error_code.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "auth/task.hpp"
#include "gateway/http1/forward_rules.hpp"
#include "gateway/message.hpp"
#include "gateway/net/stream.hpp"
#include "gateway/replies.hpp"

namespace sallyport::gateway {

struct BodyPiece {
  enum class State : std::uint8_t {
    more,     // `bytes` may be empty: ask again
    end,      // the body is complete with these bytes
    refused,  // broken framing: `status` and `reason` say what to answer
    gone,     // the client went away, fell silent or was told to stop: `ec`
  };
  State state = State::more;
  std::string_view bytes;  // valid until the next call
  unsigned status = 0;
  std::string_view reason;
  error_code ec;
};

// What a response of the upstream gets on its way; what depends on the client's protocol the exchange knows
// itself.
struct ResponseRules {
  const http1::ForwardPolicy* policy = nullptr;
  std::string_view request_id;
  std::string_view date;
  std::string_view cors;
  std::string_view extra;
};

// An answer of the gateway's own: a refusal from the table, or an endpoint's with a body.
struct OwnAnswer {
  unsigned status = 200;
  const Reply* refusal = nullptr;  // then content_type and body are made from it
  std::string_view content_type;
  std::string_view body;
};

class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const RequestHead& request() const = 0;

  // The request's body, in pieces. Once it said anything but `more`, it isn't called again.
  virtual bool body_complete() const = 0;
  virtual bool body_buffered() const = 0;  // the next read_body() gives something without waiting
  virtual Task<BodyPiece> read_body() = 0;
  // One more, where it can be had without waiting and beside the last one, which stays valid; otherwise one
  // of no bytes.
  virtual BodyPiece read_beside() = 0;
  // The pieces that came aren't needed any more. Blocks that wait for the answer with their connection would
  // be cold memory for every body that comes.
  virtual void release_body() = 0;
  virtual const Fields& trailers() const = 0;  // once the body is complete
  virtual Task<error_code>
  send_continue() = 0;  // 100, where the client waits for it and we are who reads the body
  // Ends a waiting read_body() with `gone`.
  virtual void stop_reading() = 0;

  // A response: its head, then any number of pieces, the last of which says so. Nothing leaves before the
  // first write_body, so that head and first bytes share one system call.
  virtual void start_response(const ResponseHead& head, const ResponseRules& rules) = 0;
  virtual Task<error_code> write_body(std::span<const std::string_view> pieces, bool last) = 0;
  // What came behind the body, before the last write_body: the fields that the policy names go along.
  virtual void end_with(const Fields& trailers, const http1::ForwardPolicy& policy) = 0;
  virtual Task<error_code> write_interim(const ResponseHead& head, const ResponseRules& rules) = 0;  // 1xx
  virtual Task<error_code> answer(const OwnAnswer& answer, ReplyContext context) = 0;

  virtual bool response_started() const = 0;
  virtual std::uint64_t bytes_in() const = 0;   // of the body, as received
  virtual std::uint64_t bytes_out() const = 0;  // of head and body, as sent
  // The response can't be completed: makes sure that nobody takes it for a whole one.
  virtual void cut() = 0;
  // The stream that the answer waits for; nullptr: none any more. Ends that wait when the connection is
  // aborted.
  virtual void depends_on(Stream* upstream) = 0;
  // No further request on this connection; what is answered from now on says so.
  virtual void close_after() = 0;

  // The byte stream below, where this exchange has it alone; nullptr: it is shared with others.
  virtual Stream* carrier() = 0;
  // Answers 101 and gives the carrier away, for good. What the client has sent behind its request lies in
  // `early`, valid as long as the exchange.
  virtual Task<error_code> switch_protocols(const ResponseHead& head, const ResponseRules& rules,
                                            std::string_view protocol, std::string_view& early) = 0;
  // What went through the carrier since, for the log; the connection is to end.
  virtual void tunnelled(std::uint64_t in, std::uint64_t out) = 0;
};

}  // namespace sallyport::gateway
