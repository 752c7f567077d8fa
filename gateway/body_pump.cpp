#include "gateway/body_pump.hpp"

#include <spdlog/spdlog.h>

#include <array>

#include "gateway/http1/forward_rules.hpp"
#include "gateway/net/loop_clock.hpp"

namespace sallyport::gateway {

void BodyPump::ended(End end) {
  if (end_ != End::running) return;
  end_ = end;
  if (end == End::sent) {
    // Where the response is under way already, its reader has a deadline of its own.
    if (!exchange_.response_started()) upstream_.read_until(loop_now() + limits_.response);
  } else if (end != End::upstream_failed && end != End::stopped) {
    upstream_.cancel();  // whoever waits for a response to half a request stops waiting
  }
}

// Reads a piece of the body (if it has one) and writes it with `first` before it.
Task<bool> BodyPump::step(std::string_view first) {
  BodyPiece piece;
  piece.state = BodyPiece::State::end;
  if (!exchange_.body_complete()) {
    touched_body_ = true;
    piece = co_await exchange_.read_body();
  }
  switch (piece.state) {
    case BodyPiece::State::gone:
      ended(exchange_.response_started() || end_ != End::running ? End::stopped : End::client_gone);
      co_return false;
    case BodyPiece::State::refused:
      refusal_ = piece;
      ended(End::refused);
      co_return false;
    default:
      break;
  }
  const bool chunked = exchange_.request().framing == Framing::chunked;
  std::string_view beside;
  if (piece.state == BodyPiece::State::more && !piece.bytes.empty() && !chunked) {
    const BodyPiece next = exchange_.read_beside();
    beside = next.bytes;
    piece.state = next.state;
  }
  sent_ += piece.bytes.size() + beside.size();
  if (limits_.max_body > 0 && sent_ > limits_.max_body) {
    ended(End::too_large);
    co_return false;
  }
  const bool last = piece.state == BodyPiece::State::end;
  framing_.clear();
  std::array<iovec, 6> parts;
  std::size_t count = 0;
  if (!first.empty()) parts[count++] = piece_of(first);
  if (chunked && !piece.bytes.empty()) {
    http1::append_chunk_head(framing_, piece.bytes.size());
    parts[count++] = piece_of(framing_);
  }
  if (!piece.bytes.empty()) parts[count++] = piece_of(piece.bytes);
  if (!beside.empty()) parts[count++] = piece_of(beside);
  if (chunked && !piece.bytes.empty()) parts[count++] = piece_of(http1::kChunkEnd);
  if (chunked && last) {
    last_chunk_.clear();
    if (limits_.policy != nullptr && !limits_.policy->trailers.empty())
      http1::append_trailers(last_chunk_, exchange_.trailers(), *limits_.policy);
    else
      last_chunk_ = http1::kLastChunk;
    parts[count++] = piece_of(last_chunk_);
  }
  if (count > 0) {
    const std::span<iovec> filled(parts.data(), count);
    const IoResult sent = upstream_.try_write(filled);
    error_code ec = sent.would_block() ? error_code{} : sent.ec;
    const std::span<iovec> left = ec ? filled : advance(filled, sent.bytes);
    if (!ec && !left.empty()) {
      upstream_.write_until(loop_now() + limits_.write_stall);
      ec = co_await upstream_.write_all(left);
      upstream_.write_until(SteadyTime::max());
    }
    if (ec) {
      ended(End::upstream_failed);  // it may have answered before it closed: the reader finds out
      co_return false;
    }
  }
  if (last) {
    exchange_.release_body();
    ended(End::sent);
  }
  co_return !last;
}

// A request without a body, that the socket takes at once: no coroutine.
Task<bool> BodyPump::begin(std::string_view first) {
  if (!exchange_.body_complete() || exchange_.request().framing == Framing::chunked)
    return begin_with_body(first);
  const iovec head = piece_of(first);
  const IoResult sent = upstream_.try_write({&head, 1});
  if (sent.bytes < first.size() && (!sent.ec || sent.would_block()))
    return begin_with_body(first.substr(sent.bytes));
  ended(sent.ec ? End::upstream_failed : End::sent);
  return Task<bool>::done(true);
}

Task<bool> BodyPump::begin_with_body(std::string_view first) {
  const bool bare = exchange_.body_complete() || exchange_.body_buffered();
  if (!bare) {
    // The body isn't here yet: the head goes alone, so that the upstream can start.
    std::array<iovec, 1> head{piece_of(first)};
    upstream_.write_until(loop_now() + limits_.write_stall);
    const error_code ec = co_await upstream_.write_all(head);
    upstream_.write_until(SteadyTime::max());
    if (ec) ended(End::upstream_failed);
    co_return end_ != End::running;
  }
  bool more = co_await step(first);
  while (more && exchange_.body_buffered()) more = co_await step({});
  co_return !more;
}

void BodyPump::start() {
  running_ = true;
  ended_.emplace(executor_, SteadyTime::max());
  spawn(executor_, run(), [](std::exception_ptr error) {
    if (error) spdlog::error("a request body's pump failed");
  });
}

Task<> BodyPump::run() {
  try {
    const error_code ec = co_await exchange_.send_continue();
    if (ec) ended(End::client_gone);
    bool more = end_ == End::running;
    while (more && end_ == End::running) more = co_await step({});
  } catch (const std::exception& error) {
    spdlog::error("a request body's pump failed: {}", error.what());
    ended(End::upstream_failed);
  }
  running_ = false;
  ended_->cancel();
}

Task<> BodyPump::finish() {
  if (end_ == End::running) {
    end_ = End::stopped;
    exchange_.stop_reading();
    upstream_.cancel();
  }
  return running_ ? wait_for_run() : Task<>::done();
}

Task<> BodyPump::wait_for_run() {
  while (running_) {
    auto [ec] = co_await ended_->async_wait(kAwait);
    (void)ec;  // cancelled when it ended
  }
}

}  // namespace sallyport::gateway
