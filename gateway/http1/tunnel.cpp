// See tunnel.hpp.
#include "gateway/http1/tunnel.hpp"

#include <spdlog/spdlog.h>

#include <array>

namespace sallyport::http1 {

using gateway::error_code;
using gateway::IoResult;

namespace {

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

Tunnel::Tunnel(gateway::Stream& client, gateway::Stream& upstream, gateway::Deadlines& deadlines,
               gateway::BufferPool& blocks, const Limits& limits, net::any_io_executor executor)
    : up_{client, upstream},
      down_{upstream, client},
      deadlines_(deadlines),
      blocks_(blocks),
      limits_(limits),
      executor_(executor),
      both_ended_(executor) {
  for (gateway::Stream* stream : {&client, &upstream}) {
    stream->never_after(SteadyTime::max());  // the request's deadline was met
    stream->read_until(SteadyTime::max());   // silence is the tunnel's, not one side's
    stream->write_until(SteadyTime::max());
  }
}

void Tunnel::Timer::expire() { tunnel.cut(tunnel.ending() ? tunnel.reason_ : "stream_idle"); }

void Tunnel::touch() {
  if (!ending() && !cut_) timer_.arm(deadlines_, now() + limits_.idle);
}

void Tunnel::cut(std::string_view cause) {
  if (cut_) return;
  cut_ = true;
  if (cause_.empty()) cause_ = cause;
  timer_.disarm();
  up_.from.cancel();
  down_.from.cancel();
}

void Tunnel::end(std::string_view reason) {
  if (cut_ || ending()) return;
  reason_ = cause_ = reason;
  if (!mask_) return cut(reason);  // a protocol whose boundaries we don't know
  timer_.arm(deadlines_, now() + kLastWords);
  up_.woken = down_.woken = true;
  up_.from.cancel();
  down_.from.cancel();
}

void Tunnel::heard(Direction& d) {
  d.done = true;
  if (ending() && up_.done && down_.done) cut(reason_);
}

Task<bool> Tunnel::write(Direction& d, std::string_view bytes) {
  std::array<iovec, 1> parts{gateway::piece_of(bytes)};
  std::span<iovec> left(parts);
  while (!cut_) {
    const IoResult sent = d.to.try_write(left);
    if (sent.ec && !sent.would_block()) {
      cut({});
      break;
    }
    left = gateway::advance(left, sent.bytes);
    if (left.empty()) co_return true;
    d.woken = false;
    d.to.write_until(now() + limits_.write_stall);
    const error_code ec = co_await d.to.wait_writable();
    d.to.write_until(SteadyTime::max());
    if (ec && !d.woken) cut(ec == net::error::timed_out ? "write_stall" : "aborted");
  }
  co_return false;
}

Task<bool> Tunnel::say_close(Direction& d) {
  d.said_close = true;
  if (d.frames.closed()) co_return true;  // they are closing it themselves: nothing may follow
  const std::string frame =
      &d == &up_ ? close_frame(kUnauthorized, reason_, *mask_) : close_frame(kUnauthorized, reason_);
  co_return co_await write(d, frame);
}

// Bytes that came go on; once our own Close is out they only tell us that the peer has understood.
Task<bool> Tunnel::pass(Direction& d, std::string_view bytes) {
  d.bytes += bytes.size();
  std::string_view rest;
  if (mask_ && (ending() || d.said_close)) {
    const std::size_t whole = d.said_close ? 0 : d.frames.to_boundary(bytes);
    rest = bytes.substr(whole);
    bytes = bytes.substr(0, whole);
  }
  if (mask_) d.frames.pass(bytes);
  bool open = true;
  if (!bytes.empty()) open = co_await write(d, bytes);
  if (open && ending() && !d.said_close && d.frames.at_boundary()) open = co_await say_close(d);
  if (!open) co_return false;
  d.frames.pass(rest);
  if (d.said_close && d.frames.closed()) heard(d);
  co_return !cut_;
}

Task<> Tunnel::pump(Direction& d) {
  while (!cut_ && !d.done) {
    if (ending() && !d.said_close && d.frames.at_boundary()) {
      const bool said = co_await say_close(d);
      if (!said) break;
      if (d.frames.closed()) heard(d);
      continue;
    }
    d.woken = false;
    if (const error_code ec = co_await d.from.wait_readable()) {
      if (!d.woken) cut("aborted");
      continue;
    }
    gateway::BufferPool::Block block = blocks_.take();
    const IoResult got = d.from.try_read({block.data(), block.size()});
    if (got.would_block()) continue;
    if (got.ec == net::error::eof) {
      // Half-close: the other direction goes on until it ends too.
      if (!d.said_close || !d.to.tls()) d.to.shutdown_send();
      heard(d);
    } else if (got.ec) {
      cut({});
    } else {
      touch();
      const std::string_view received(block.data(), got.bytes);
      const bool open = co_await pass(d, received);
      if (!open) break;
    }
  }
}

Task<> Tunnel::pump_beside() {
  try {
    co_await pump(up_);
  } catch (const std::exception& error) {
    spdlog::error("a tunnel failed: {}", error.what());
    cut("exception");
  }
  beside_ = false;
  both_ended_.cancel();
}

Task<> Tunnel::begin(std::string_view from_client, std::string_view from_upstream) {
  touch();
  if (!from_upstream.empty()) co_await pass(down_, from_upstream);
  if (!from_client.empty()) co_await pass(up_, from_client);
}

Task<> Tunnel::run() {
  beside_ = true;
  both_ended_.expires_at(SteadyTime::max());
  spawn(executor_, pump_beside(), [](std::exception_ptr error) {
    if (error) spdlog::error("a tunnel failed");
  });
  try {
    co_await pump(down_);
  } catch (const std::exception& error) {
    spdlog::error("a tunnel failed: {}", error.what());
    cut("exception");
  }
  while (beside_) {
    auto [ec] = co_await both_ended_.async_wait(kAwait);
    (void)ec;  // cancelled when it ended
  }
  timer_.disarm();
}

}  // namespace sallyport::http1
