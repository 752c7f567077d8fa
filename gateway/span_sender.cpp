#include "gateway/span_sender.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/observe/spans.hpp"

namespace sallyport::gateway {
namespace {

constexpr unsigned kBatch = 512;  // spans
constexpr std::chrono::milliseconds kLongestWait{1000};

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

void failed(std::exception_ptr error) {
  if (error) spdlog::critical("sending spans failed");
}

}  // namespace

SpanSender::SpanSender(net::io_context& control)
    : control_(control),
      deadlines_(steady_now()),
      caller_(control.get_executor(), deadlines_),
      ticker_(control) {}

void SpanSender::use(const std::optional<config::Tracing>& rules) {
  rules_ = rules;
  url_ = rules ? parse_http_url(rules->endpoint) : std::nullopt;
  limit_ = url_ ? rules->queue : 0;
  well_ = true;
  if (!url_) drop_waiting();
}

// Workers have ended: their last spans came before this.
void SpanSender::stop() {
  const SteadyTime now = steady_now();
  limit_ = 0;
  give_up_ = now + kLongestWait;
  again_ = now;
  send_due(now);
}

void SpanSender::submit(std::string spans, unsigned count) {
  if ((waiting_ += count) > limit_) {
    waiting_ -= count;
    dropped_ += count;
    return;
  }
  net::post(control_, [this, spans = std::move(spans), count]() mutable { take(std::move(spans), count); });
}

void SpanSender::take(std::string spans, unsigned count) {
  const SteadyTime now = steady_now();
  queue_.push_back({std::move(spans), count, now});
  queued_ += count;
  if (!url_) return drop_waiting();
  if (!ticking_) {
    ticking_ = true;
    spawn(control_, tick(), failed);
  }
  send_due(now);
}

// Runs only while something waits: a gateway without sampled requests has nothing to wake up for.
Task<> SpanSender::tick() {
  while (in_flight_ || offered_ || !queue_.empty()) {
    const SteadyTime now = steady_now();
    deadlines_.tick(now);
    if (now >= give_up_) {
      drop_waiting();
      caller_.stop();
    }
    send_due(now);
    ticker_.expires_after(Deadlines::kTick);
    auto [ec] = co_await ticker_.async_wait(kAwait);
    (void)ec;
  }
  ticking_ = false;
}

bool SpanSender::due(SteadyTime now) const {
  if (offered_) return now >= again_;
  return !queue_.empty() &&
         (queued_ >= kBatch || give_up_ != SteadyTime::max() || now - queue_.front().since >= kLongestWait);
}

// One call at a time: a collector that can't keep up isn't asked to do more at once.
void SpanSender::send_due(SteadyTime now) {
  if (in_flight_ || !url_ || now >= give_up_ || !due(now)) return;
  in_flight_ = true;
  Batch batch = offered_ ? *std::exchange(offered_, std::nullopt) : next_batch();
  ++batch.attempts;
  HttpCall call = call_with(batch);
  spawn(control_, deliver(std::move(batch), std::move(call)), failed);
}

SpanSender::Batch SpanSender::next_batch() {
  Batch batch;
  std::vector<std::string_view> pieces;
  auto piece = queue_.begin();
  for (; piece != queue_.end() && (pieces.empty() || batch.count + piece->count <= kBatch); ++piece) {
    pieces.emplace_back(piece->spans);
    batch.count += piece->count;
  }
  batch.body = span_batch(rules_->service, pieces);
  queue_.erase(queue_.begin(), piece);
  queued_ -= batch.count;
  return batch;
}

HttpCall SpanSender::call_with(const Batch& batch) const {
  HttpCall call;
  call.url = *url_;
  call.method = "POST";
  call.timeout = rules_->timeout;
  call.body = config::Secret(batch.body);
  call.fields = {{"Content-Type", "application/json"}};
  for (const auto& [name, value] : rules_->headers) call.fields.emplace_back(name, value.reveal());
  return call;
}

Task<> SpanSender::deliver(Batch batch, HttpCall call) {
  const HttpCaller::Result answer = co_await caller_.call(std::move(call));
  in_flight_ = false;
  const unsigned status = answer ? answer->status : 0;
  const auto pause = answer ? pause_before_again(status, answer->retry_after, batch.attempts) : std::nullopt;
  const SteadyTime now = steady_now();
  if (pause && url_ && now + *pause < give_up_) {
    again_ = now + *pause;
    offered_ = std::move(batch);
  } else {
    end(batch, status >= 200 && status < 300,
        answer ? "it answers " + std::to_string(status) : answer.error());
  }
  send_due(now);
}

// A collector that is gone fills no log: the first failure is told, and that it is over.
void SpanSender::end(const Batch& batch, bool sent, const std::string& problem) {
  waiting_ -= batch.count;
  (sent ? sent_ : failed_) += batch.count;
  if (sent && !well_) spdlog::info("tracing.endpoint: spans are taken again");
  if (!sent && well_)
    spdlog::warn("tracing.endpoint: {}; spans are lost until it takes them (sallyport_spans_total)", problem);
  well_ = sent;
}

void SpanSender::drop_waiting() {
  unsigned count = queued_;
  if (offered_) count += offered_->count;
  queue_.clear();
  offered_.reset();
  queued_ = 0;
  waiting_ -= count;
  dropped_ += count;
}

}  // namespace sallyport::gateway
