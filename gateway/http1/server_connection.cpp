#include "gateway/http1/server_connection.hpp"

#include <array>
#include <cstring>
#include <functional>

#include "gateway/net/loop_clock.hpp"

namespace sallyport::http1 {

using gateway::BodyPiece;
using gateway::error_code;
using gateway::Framing;
using gateway::IoResult;
using gateway::loop_now;
using gateway::piece_of;
using gateway::Version;

namespace {

// What is left unread behind an answer is read and thrown away for this long, so that the answer isn't lost
// to a reset.
constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr std::uint64_t kLargeBody = 16 * 1024;
// Of a new request: most heads are shorter, and what comes behind one better goes to a block that is given
// back once it was sent.
constexpr std::size_t kFirstRead = 4 * 1024;
constexpr std::size_t kMaxPieces = 32;

}  // namespace

std::unique_ptr<Scratch> ScratchPool::take() {
  if (free_.empty()) return std::make_unique<Scratch>(limits_, small_.take());
  std::unique_ptr<Scratch> scratch = std::move(free_.back());
  free_.pop_back();
  return scratch;
}

void ScratchPool::give_back(std::unique_ptr<Scratch> scratch) {
  scratch->large.release();
  if (free_.size() < keep_ && scratch->out.capacity() < 64 * 1024) free_.push_back(std::move(scratch));
}

Task<> ServerConnection::run() {
  for (bool more = true; more;) {
    const Next next = co_await read_head();
    if (next == Next::close) break;
    idle_ = false;
    begin_body();
    keep_alive_ = next == Next::request && request().keep_alive;
    co_await host_.handle(*this, next == Next::refused ? &refusal_ : nullptr);
    more = !cut_ && keep_leftover();
    if (!more && !cut_ && started_ && !aborted_) co_await linger();
  }
  if (scratch_) host_.scratch.give_back(std::move(scratch_));
  stream_.close();
}

// Waits for a request without owning a buffer, then reads until its head is whole or refused.
Task<ServerConnection::Next> ServerConnection::read_head() {
  const bool first = scratch_ == nullptr && bytes_out_ == 0;
  if (aborted_) co_return Next::close;
  if (filled_ == 0) {
    if (host_.closes_idle && !first) co_return Next::close;
    idle_ = !first;
    waiting_since_ = loop_now();
    stream_.read_until(waiting_since_ + (first ? host_.limits.head : host_.limits.keep_alive));
    // Only a byte makes a request of it, and takes a buffer.
    for (IoResult got{0, net::error::would_block}; got.would_block();) {
      if (const error_code ec = co_await stream_.wait_readable()) co_return Next::close;
      if (!scratch_) scratch_ = host_.scratch.take();
      got = stream_.try_read({scratch_->in.data(), std::min(scratch_->in.size(), kFirstRead)});
      if (got.would_block()) host_.scratch.give_back(std::move(scratch_));
      if (got.ec && !got.would_block()) co_return Next::close;
      filled_ = got.bytes;
    }
    idle_ = false;
  }
  bytes_in_ = bytes_out_ = 0;
  started_ = cut_ = stop_reading_ = false;
  scratch_->reader.reset();
  const SteadyTime due = loop_now() + host_.limits.head;
  stream_.read_until(due);
  char* const begin = scratch_->in.data();
  for (std::size_t seen = 0;;) {
    if (filled_ > seen) {
      const HeadStep step = scratch_->reader.read_head({begin, filled_});
      if (step.progress == Progress::complete) {
        head_end_ = step.consumed;
        co_return Next::request;
      }
      if (step.progress == Progress::refused) {
        refusal_ = step.refusal;
        head_end_ = filled_;
        co_return Next::refused;
      }
      seen = filled_;
    }
    const IoResult got = co_await stream_.read_some({begin + filled_, scratch_->in.size() - filled_});
    if (got.ec == net::error::timed_out && filled_ > 0) {
      refusal_ = {408, "head_timeout"};
      head_end_ = filled_;
      co_return Next::refused;
    }
    if (got.ec) co_return Next::close;
    filled_ += got.bytes;
  }
}

void ServerConnection::begin_body() {
  // Nobody may wait for the bytes of a body of none.
  body_complete_ = request().framing == Framing::none ||
                   (request().framing == Framing::length && request().content_length == 0);
  pending_ = {scratch_->in.data() + head_end_, filled_ - head_end_};
  starved_ = false;
  body_began_ = {};
}

BodyPiece ServerConnection::next_piece() {
  const BodyStep step = scratch_->reader.read_body(pending_);
  pending_.remove_prefix(step.consumed);
  starved_ = step.progress == Progress::need_more && step.consumed == 0;
  bytes_in_ += step.piece.size();
  switch (step.progress) {
    case Progress::refused:
      keep_alive_ = false;
      return {BodyPiece::State::refused, {}, step.refusal.status, step.refusal.code, {}};
    case Progress::complete:
      body_complete_ = true;
      return {BodyPiece::State::end, step.piece, 0, {}, {}};
    default:
      return {BodyPiece::State::more, step.piece, 0, {}, {}};
  }
}

std::span<char> ServerConnection::large_room() {
  if (!scratch_->large) scratch_->large = host_.large.take();
  // One byte beyond its end is asked for: to get less tells that nothing came behind, which saves the look.
  const std::uint64_t left = request().content_length - bytes_in_ + 1;
  return {scratch_->large.data(),
          static_cast<std::size_t>(std::min<std::uint64_t>(left, scratch_->large.size()))};
}

// Where to read body bytes to. A big body of known length goes through a large block; what is read beyond its
// end must fit back into the small one.
std::span<char> ServerConnection::room_for_body() {
  if (request().framing == Framing::length && request().content_length - bytes_in_ > kLargeBody)
    return large_room();
  return {scratch_->in.data() + head_end_, scratch_->in.size() - head_end_};
}

// The first read was filled by the head and the beginning of a body: what else has come lies in the large
// block then, and both leave by one write.
BodyPiece ServerConnection::read_beside() {
  const bool in_small_block = !scratch_->large;
  if (!in_small_block || !pending_.empty() || body_complete_ || request().framing != Framing::length ||
      stream_.known_quiet() || stop_reading_ || aborted_)
    return {};
  const std::span<char> room = large_room();
  const IoResult got = stream_.try_read(room);
  if (got.bytes == 0) return {};  // an end or an error is there for the next read too
  pending_ = {room.data(), got.bytes};
  return next_piece();
}

Task<BodyPiece> ServerConnection::read_body() {
  while (body_buffered()) {
    const BodyPiece piece = next_piece();
    if (!piece.bytes.empty() || piece.state != BodyPiece::State::more) co_return piece;
  }
  if (body_began_ == SteadyTime{}) body_began_ = loop_now();
  // Both the silence and the whole are bounded: a drop every minute would otherwise hold a connection for
  // ever.
  SteadyTime due = loop_now() + host_.limits.body_idle;
  if (host_.limits.body_rate > 0) {
    const auto earned = std::chrono::seconds(bytes_in_ / host_.limits.body_rate);
    due = std::min(due, body_began_ + host_.limits.body_idle + earned);
  }
  const std::span<char> room = room_for_body();
  std::memmove(room.data(), pending_.data(), pending_.size());  // an unfinished chunk head
  stream_.read_until(due);
  reading_ = true;
  IoResult got{0, net::error::operation_aborted};
  if (!stop_reading_ && !aborted_) got = co_await stream_.read_some(room.subspan(pending_.size()));
  reading_ = false;
  if (got.ec) {
    keep_alive_ = false;
    if (got.ec == net::error::timed_out)
      co_return BodyPiece{BodyPiece::State::refused, {}, 408, "body_timeout", got.ec};
    co_return BodyPiece{BodyPiece::State::gone, {}, 0, "client_gone", got.ec};
  }
  pending_ = {room.data(), pending_.size() + got.bytes};
  starved_ = false;
  co_return next_piece();
}

// Unless the first byte of the next request lies there: then keep_leftover() does it.
void ServerConnection::release_body() {
  const char* const block = scratch_->large.data();
  const bool holds_it = !pending_.empty() && std::less_equal<>()(block, pending_.data()) &&
                        std::less<>()(pending_.data(), block + scratch_->large.size());
  if (!holds_it) scratch_->large.release();
}

void ServerConnection::stop_reading() {
  stop_reading_ = true;
  if (reading_) stream_.cancel();
}

void ServerConnection::abort() {
  aborted_ = true;
  keep_alive_ = false;
  stream_.cancel();
  if (upstream_ != nullptr) upstream_->cancel();
}

// What the socket takes at once, nearly always all of it, costs no coroutine.
Task<error_code> ServerConnection::send(std::span<iovec> pieces) {
  if (aborted_) return Task<error_code>::done(net::error::operation_aborted);
  for (const iovec& piece : pieces) bytes_out_ += piece.iov_len;
  const IoResult sent = stream_.try_write(pieces);
  if (sent.ec && !sent.would_block()) return Task<error_code>::done(sent.ec);
  const std::span<iovec> left = gateway::advance(pieces, sent.bytes);
  if (left.empty()) return Task<error_code>::done(error_code{});
  return send_rest({left.begin(), left.end()});
}

Task<error_code> ServerConnection::send_rest(std::vector<iovec> pieces) {
  for (std::span<iovec> left = pieces; !left.empty();) {
    stream_.write_until(loop_now() + host_.limits.write_stall);
    if (const error_code ec = co_await stream_.wait_writable()) co_return ec;
    const IoResult more = stream_.try_write(left);
    if (more.ec && !more.would_block()) co_return more.ec;
    left = gateway::advance(left, more.bytes);
  }
  stream_.write_until(SteadyTime::max());
  co_return error_code{};
}

Task<error_code> ServerConnection::send_continue() {
  if (!request().expect_continue || started_) return Task<error_code>::done(error_code{});
  std::array<iovec, 1> pieces{piece_of("HTTP/1.1 100 Continue\r\n\r\n")};
  return send(pieces);
}

void ServerConnection::start_response(const gateway::ResponseHead& head,
                                      const gateway::ResponseRules& rules) {
  ResponseContext context;
  context.client_version = request().version;
  context.keep_alive = keep_alive_ && body_complete_ && !host_.draining;
  context.to_head_request = to_head_request();
  context.request_id = rules.request_id;
  context.date = rules.date;
  context.cors = rules.cors;
  context.extra = rules.extra;
  scratch_->end.clear();
  scratch_->out.clear();
  framing_ = append_response_head(scratch_->out, head, *rules.policy, context);
  keep_alive_ = framing_.keep_alive;
}

void ServerConnection::end_with(const gateway::Fields& trailers, const ForwardPolicy& policy) {
  append_trailers(scratch_->end, trailers, policy);
}

// One gather write: the head if it is still here, then each piece framed as the head promised.
Task<error_code> ServerConnection::write_body(std::span<const std::string_view> pieces, bool last) {
  std::array<iovec, kMaxPieces + 4> parts;
  std::size_t count = 0;
  std::size_t total = 0;
  for (const std::string_view piece : pieces) total += piece.size();
  const bool chunked = framing_.framing == Framing::chunked;
  if (started_) scratch_->out.clear();
  if (chunked && total > 0) append_chunk_head(scratch_->out, total);
  if (!scratch_->out.empty()) parts[count++] = piece_of(scratch_->out);
  if (framing_.framing != Framing::none)
    for (const std::string_view piece : pieces)
      if (!piece.empty()) parts[count++] = piece_of(piece);
  if (chunked && total > 0) parts[count++] = piece_of(kChunkEnd);
  if (chunked && last) parts[count++] = piece_of(scratch_->end.empty() ? kLastChunk : scratch_->end);
  started_ = true;
  if (count == 0) return Task<error_code>::done(error_code{});
  return send({parts.data(), count});
}

Task<error_code> ServerConnection::write_interim(const gateway::ResponseHead& head,
                                                 const gateway::ResponseRules& rules) {
  if (request().version == Version::http10) return Task<error_code>::done(error_code{});
  ResponseContext context;
  context.request_id = rules.request_id;
  scratch_->out.clear();
  append_response_head(scratch_->out, head, *rules.policy, context);
  std::array<iovec, 1> pieces{piece_of(scratch_->out)};
  return send(pieces);
}

Task<error_code> ServerConnection::switch_protocols(const gateway::ResponseHead& head,
                                                    const gateway::ResponseRules& rules,
                                                    std::string_view protocol, std::string_view& early) {
  ResponseContext context;
  context.request_id = rules.request_id;
  context.date = rules.date;
  context.cors = rules.cors;
  context.extra = rules.extra;
  context.upgrade = protocol;
  scratch_->out.clear();
  append_response_head(scratch_->out, head, *rules.policy, context);
  started_ = true;
  keep_alive_ = false;
  early = std::exchange(pending_, {});
  std::array<iovec, 1> pieces{piece_of(scratch_->out)};
  return send(pieces);
}

void ServerConnection::tunnelled(std::uint64_t in, std::uint64_t out) {
  bytes_in_ += in;
  bytes_out_ += out;
  cut_ = true;  // nothing of HTTP follows, not even an orderly end of it
  keep_alive_ = false;
}

Task<error_code> ServerConnection::answer(const gateway::OwnAnswer& answer, gateway::ReplyContext context) {
  // What the client still sends must not be taken for its next request.
  while (!body_complete_ && body_buffered() && keep_alive_) next_piece();
  keep_alive_ = keep_alive_ && body_complete_ && !host_.draining;
  context.keep_alive = keep_alive_;
  context.to_head_request = to_head_request();
  context.client_version = request().version;
  scratch_->out.clear();
  if (answer.refusal != nullptr)
    gateway::append_reply(scratch_->out, *answer.refusal, context);
  else
    gateway::append_own_answer(scratch_->out, answer.status, answer.content_type, answer.body, context);
  started_ = true;
  std::array<iovec, 1> pieces{piece_of(scratch_->out)};
  return send(pieces);
}

void ServerConnection::cut() {
  cut_ = true;
  keep_alive_ = false;
  if (started_)
    stream_.reset();
  else
    stream_.close();
}

// Moves what came behind this request to the front, where the next head is read.
bool ServerConnection::keep_leftover() {
  if (!keep_alive_ || !body_complete_ || !stream_.is_open() || !started_) return false;
  std::memmove(scratch_->in.data(), pending_.data(), pending_.size());
  filled_ = pending_.size();
  pending_ = {};
  scratch_->large.release();
  if (filled_ == 0) host_.scratch.give_back(std::move(scratch_));
  return true;
}

// RFC 9112 9.6: close in stages, or the client's unread bytes turn the close into a reset that can erase the
// answer.
Task<> ServerConnection::linger() {
  stream_.shutdown_send();
  stream_.read_until(loop_now() + kLinger);
  for (std::size_t thrown = 0; thrown < kLingerBytes;) {
    const std::span<char> room(scratch_->in.data(), scratch_->in.size());
    const IoResult got = co_await stream_.read_some(room);
    if (got.ec) break;
    thrown += got.bytes;
  }
}

}  // namespace sallyport::http1
