#include "gateway/webhook.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include <utility>

namespace sallyport::gateway {
namespace {

constexpr unsigned kAtOnce = 4;  // calls in flight: a mailer is no load balancer

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }
UnixSeconds unix_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

void failed(std::exception_ptr error) {
  if (error) spdlog::critical("posting to users.webhook failed");
}

}  // namespace

Webhook::Webhook(net::io_context& control)
    : control_(control),
      deadlines_(steady_now()),
      caller_(control.get_executor(), deadlines_),
      ticker_(control) {}

void Webhook::use(const std::optional<config::Webhook>& rules) {
  rules_ = rules;
  url_ = rules ? parse_http_url(rules->url) : std::nullopt;
  limit_ = url_ ? rules->queue : 0;
}

void Webhook::stop() {
  stopped_ = true;
  limit_ = 0;
  if (const std::size_t lost = waiting_)
    spdlog::warn("users.webhook: {} messages were not delivered before the end", lost);
  queue_.clear();
  caller_.stop();
  ticker_.cancel();
}

bool Webhook::reserve() {
  if (++waiting_ <= limit_) return true;
  --waiting_;
  ++dropped_;
  return false;
}

void Webhook::post(Message message, std::string page) {
  Pending pending{message.event, message.id, message_json(message, page), message.expires, 0};
  net::post(control_, [this, pending = std::move(pending)]() mutable { take(std::move(pending)); });
}

void Webhook::take(Pending pending) {
  if (stopped_) return;
  queue_.emplace(steady_now(), std::move(pending));
  if (!ticking_) {
    ticking_ = true;
    spawn(control_, tick(), failed);
  }
  send_due();
}

// Runs only while something waits: an idle gateway has nothing to wake up for.
Task<> Webhook::tick() {
  while (!stopped_ && (in_flight_ > 0 || !queue_.empty())) {
    deadlines_.tick(steady_now());
    send_due();
    ticker_.expires_after(Deadlines::kTick);
    auto [ec] = co_await ticker_.async_wait(kAwait);
    (void)ec;
  }
  ticking_ = false;
}

void Webhook::send_due() {
  while (!stopped_ && in_flight_ < kAtOnce && !queue_.empty() && queue_.begin()->first <= steady_now()) {
    Pending pending = std::move(queue_.extract(queue_.begin()).mapped());
    ++in_flight_;
    spawn(control_, deliver(std::move(pending)), failed);
  }
}

Task<> Webhook::deliver(Pending pending) {
  std::string problem = "the configuration names no webhook any more";
  Delivery delivery = Delivery::never;
  if (unix_now() >= pending.expires) {
    problem = "its token is over";
  } else if (rules_ && url_) {
    ++pending.attempts;
    HttpCall call;
    call.url = *url_;
    call.method = "POST";
    call.timeout = rules_->timeout;
    call.body = pending.body;
    call.fields = {
        {"Content-Type", "application/json"},
        {"Sallyport-Event", std::string(pending.event)},
        {"Sallyport-Signature", message_signature(rules_->secret, unix_now(), pending.body.reveal())}};
    const HttpCaller::Result answer = co_await caller_.call(std::move(call));
    delivery = judge_delivery(answer ? answer->status : 0);
    problem = answer ? "it answers " + std::to_string(answer->status) : answer.error();
  }
  --in_flight_;
  if (stopped_) co_return;
  if (delivery == Delivery::again && rules_ && pending.attempts < rules_->attempts)
    again(std::move(pending), problem);
  else
    end(pending, delivery == Delivery::done, problem);
  send_due();
}

void Webhook::again(Pending pending, const std::string& problem) {
  const double spread = std::uniform_real_distribution<double>(0, 1)(random_);
  const auto pause = pause_after(pending.attempts, spread);
  spdlog::warn("users.webhook: message {} ({}): {}; attempt {} of {}, again in {} ms", pending.id,
               pending.event, problem, pending.attempts, rules_->attempts, pause.count());
  queue_.emplace(steady_now() + pause, std::move(pending));
}

void Webhook::end(const Pending& pending, bool sent, const std::string& problem) {
  --waiting_;
  ++(sent ? sent_ : failed_);
  if (!sent)
    spdlog::error("users.webhook: message {} ({}) is given up after {} attempts: {}", pending.id,
                  pending.event, pending.attempts, problem);
}

}  // namespace sallyport::gateway
