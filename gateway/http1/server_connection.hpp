// A client's HTTP/1.1 connection: reads one request after the other, hands each to the handler, frames what
// comes back. Owns its socket; borrows buffers only while a request is under way. Lives in the frame of
// run().
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/exchange.hpp"
#include "gateway/http1/reader.hpp"
#include "gateway/net/buffers.hpp"
#include "gateway/net/stream.hpp"

namespace sallyport::http1 {

// What a connection needs only while it has a request; pooled by the worker.
struct Scratch {
  Scratch(const HeadLimits& limits, gateway::BufferPool::Block block)
      : reader(limits), in(std::move(block)) {}
  RequestReader reader;
  gateway::BufferPool::Block in;     // [head][body bytes that came with it]
  gateway::BufferPool::Block large;  // for big bodies, while one comes
  std::string out;                   // response heads and chunk framing
  std::string end;                   // the last chunk, where it carries trailers
};

class ScratchPool {
 public:
  ScratchPool(const HeadLimits& limits, gateway::BufferPool& small, std::size_t keep)
      : limits_(limits), small_(small), keep_(keep) {}
  std::unique_ptr<Scratch> take();
  void give_back(std::unique_ptr<Scratch> scratch);

 private:
  HeadLimits limits_;
  gateway::BufferPool& small_;
  std::size_t keep_;
  std::vector<std::unique_ptr<Scratch>> free_;
};

struct ConnectionLimits {
  std::chrono::milliseconds head{10'000};
  std::chrono::milliseconds keep_alive{60'000};
  std::chrono::milliseconds body_idle{60'000};
  std::chrono::milliseconds write_stall{30'000};
  std::uint64_t body_rate = 500;  // bytes per second, averaged over the body; 0: none
};

class ServerConnection final : public gateway::Exchange {
 public:
  // The worker's side: borrowed, outlives the connection.
  struct Host {
    gateway::Deadlines& deadlines;
    ScratchPool& scratch;
    gateway::BufferPool& large;
    const ConnectionLimits& limits;
    const bool& draining;     // the request under way is the last, and its answer says so
    const bool& closes_idle;  // whoever was told to ask again is closed all the same
    // Serves one request. A head that was refused comes with `refusal` and must be answered too (and logged).
    std::function<Task<>(ServerConnection&, const Refusal* refusal)> handle;
  };

  ServerConnection(gateway::Stream& stream, const Host& host) : stream_(stream), host_(host) {}
  Task<> run();

  // An idle connection is one between requests: it may be closed without loss.
  bool idle() const { return idle_; }
  // Not a byte of the first or next request has come, since when.
  bool waiting() const { return scratch_ == nullptr; }
  SteadyTime waiting_since() const { return waiting_since_; }
  gateway::Stream& stream() { return stream_; }
  // Ends it at the next chance: what waits stops waiting, nothing more is read or written.
  void abort();

  // Exchange
  const gateway::RequestHead& request() const override { return scratch_->reader.head(); }
  bool body_complete() const override { return body_complete_; }
  bool body_buffered() const override { return !pending_.empty() && !starved_; }
  Task<gateway::BodyPiece> read_body() override;
  gateway::BodyPiece read_beside() override;
  void release_body() override;
  const gateway::Fields& trailers() const override { return scratch_->reader.trailers(); }
  Task<gateway::error_code> send_continue() override;
  void stop_reading() override;
  void start_response(const gateway::ResponseHead& head, const gateway::ResponseRules& rules) override;
  Task<gateway::error_code> write_body(std::span<const std::string_view> pieces, bool last) override;
  void end_with(const gateway::Fields& trailers, const ForwardPolicy& policy) override;
  Task<gateway::error_code> write_interim(const gateway::ResponseHead& head,
                                          const gateway::ResponseRules& rules) override;
  Task<gateway::error_code> answer(const gateway::OwnAnswer& answer, gateway::ReplyContext context) override;
  bool response_started() const override { return started_; }
  std::uint64_t bytes_in() const override { return bytes_in_; }
  std::uint64_t bytes_out() const override { return bytes_out_; }
  void cut() override;
  void depends_on(gateway::Stream* upstream) override { upstream_ = upstream; }
  void close_after() override { keep_alive_ = false; }
  gateway::Stream* carrier() override { return &stream_; }
  Task<gateway::error_code> switch_protocols(const gateway::ResponseHead& head,
                                             const gateway::ResponseRules& rules, std::string_view protocol,
                                             std::string_view& early) override;
  void tunnelled(std::uint64_t in, std::uint64_t out) override;

 private:
  enum class Next { request, refused, close };
  Task<Next> read_head();
  gateway::BodyPiece next_piece();  // from what is buffered
  std::span<char> large_room();
  std::span<char> room_for_body();
  Task<gateway::error_code> send(std::span<iovec> pieces);
  Task<gateway::error_code> send_rest(std::vector<iovec> pieces);
  void begin_body();
  bool keep_leftover();  // false: nothing more may come on this connection
  Task<> linger();
  bool to_head_request() const { return request().method == "HEAD"; }

  gateway::Stream& stream_;
  const Host& host_;
  std::unique_ptr<Scratch> scratch_;
  std::size_t filled_ = 0;    // bytes in scratch_->in
  std::size_t head_end_ = 0;  // where the head ends in it
  std::string_view pending_;  // received body bytes (and what follows them), not looked at yet
  bool starved_ = false;      // pending_ is an unfinished chunk head: only more bytes help
  Refusal refusal_;
  SteadyTime waiting_since_{};
  SteadyTime body_began_{};
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  ClientFraming framing_;
  bool idle_ = true;
  bool keep_alive_ = true;
  bool body_complete_ = true;
  bool started_ = false;
  bool cut_ = false;
  bool stop_reading_ = false;
  bool reading_ = false;
  bool aborted_ = false;
  gateway::Stream* upstream_ = nullptr;
};

}  // namespace sallyport::http1
