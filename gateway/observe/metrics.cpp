#include "gateway/observe/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <limits>

namespace sallyport::gateway {
namespace {

using prometheus::Histogram;
using prometheus::Registry;

prometheus::Gauge& gauge(Registry& registry, const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

void set(prometheus::Counter& counter, std::uint64_t total) {
  counter.Increment(static_cast<double>(total) - counter.Value());
}

}  // namespace

struct Metrics::Impl {
  Registry registry;
  Histogram& lag =
      prometheus::BuildHistogram()
          .Name("sallyport_revocation_lag_seconds")
          .Help("From the store's taking a revocation of another gateway until it is in force here")
          .Register(registry)
          .Add({},
               Histogram::BucketBoundaries{.001, .002, .003, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10});
  prometheus::Gauge& entries = gauge(registry, "sallyport_revocations", "Entries in the revocation index");
  prometheus::Gauge& bytes =
      gauge(registry, "sallyport_revocation_index_bytes", "Memory of the revocation index");
  prometheus::Gauge& staleness = gauge(
      registry, "sallyport_revocation_staleness_seconds",
      "Since the last answered read of the revocation log; past revocation.max_staleness routes degrade");
  prometheus::Counter& resyncs = prometheus::BuildCounter()
                                     .Name("sallyport_store_resyncs_total")
                                     .Help("Times that the store had been replaced or lost entries")
                                     .Register(registry)
                                     .Add({});
  prometheus::Gauge& connections = gauge(registry, "sallyport_connections", "Client connections");
  prometheus::Gauge& ready = gauge(registry, "sallyport_ready", "1 when /readyz says so");
  prometheus::Gauge& dropped = gauge(registry, "sallyport_log_lines_dropped",
                                     "Access and audit lines lost to a full disk or a slow reader");
  prometheus::Family<prometheus::Counter>& cache =
      prometheus::BuildCounter()
          .Name("sallyport_token_cache_lookups_total")
          .Help("Tokens of requests, by whether they were verified before: hit / (hit + miss) is the ratio")
          .Register(registry);
  prometheus::Counter& cache_hits = cache.Add({{"result", "hit"}});
  prometheus::Counter& cache_misses = cache.Add({{"result", "miss"}});
  prometheus::Family<prometheus::Counter>& messages =
      prometheus::BuildCounter()
          .Name("sallyport_webhook_messages_total")
          .Help(
              "Messages to users: taken by users.webhook (sent), given up (failed), without a place in the "
              "queue (dropped)")
          .Register(registry);
  prometheus::Counter& messages_sent = messages.Add({{"result", "sent"}});
  prometheus::Counter& messages_failed = messages.Add({{"result", "failed"}});
  prometheus::Counter& messages_dropped = messages.Add({{"result", "dropped"}});
  prometheus::Gauge& messages_waiting =
      gauge(registry, "sallyport_webhook_messages_waiting", "Messages that users.webhook has not taken yet");
  prometheus::Family<prometheus::Counter>& spans =
      prometheus::BuildCounter()
          .Name("sallyport_spans_total")
          .Help(
              "Spans of sampled requests: taken by the collector (sent), not taken (failed), without a place "
              "in the queue (dropped)")
          .Register(registry);
  prometheus::Counter& spans_sent = spans.Add({{"outcome", "sent"}});
  prometheus::Counter& spans_dropped = spans.Add({{"outcome", "dropped"}});
  prometheus::Counter& spans_failed = spans.Add({{"outcome", "failed"}});
  prometheus::Family<prometheus::Counter>& reloads = prometheus::BuildCounter()
                                                         .Name("sallyport_config_reloads_total")
                                                         .Help("Reloads of the configuration, by outcome")
                                                         .Register(registry);
  prometheus::Counter& reloads_succeeded = reloads.Add({{"outcome", "success"}});
  prometheus::Counter& reloads_failed = reloads.Add({{"outcome", "failure"}});
  prometheus::Gauge& reload_good =
      gauge(registry, "sallyport_config_last_reload_success",
            "0 while the configuration in force is an older one, because the last reload was refused");
  prometheus::Gauge& config_time = gauge(registry, "sallyport_config_last_reload_success_timestamp_seconds",
                                         "When the configuration in force was read, since 1970");
  prometheus::Gauge& build = prometheus::BuildGauge()
                                 .Name("sallyport_build_info")
                                 .Help("Always 1; the version is the label")
                                 .Register(registry)
                                 .Add({{"version", SALLYPORT_VERSION}});
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) { impl_->build.Set(1); }
Metrics::~Metrics() = default;

void Metrics::revocation_arrived(std::chrono::milliseconds lag) {
  impl_->lag.Observe(std::chrono::duration<double>(lag).count());
}

void Metrics::revocations(std::size_t entries, std::size_t bytes) {
  impl_->entries.Set(static_cast<double>(entries));
  impl_->bytes.Set(static_cast<double>(bytes));
}

void Metrics::followed(std::optional<std::chrono::milliseconds> staleness, std::uint64_t resyncs) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  impl_->staleness.Set(staleness ? std::chrono::duration<double>(*staleness).count() : kNever);
  impl_->resyncs.Increment(static_cast<double>(resyncs) - impl_->resyncs.Value());
}

void Metrics::token_cache(std::uint64_t hits, std::uint64_t misses) {
  impl_->cache_hits.Increment(static_cast<double>(hits) - impl_->cache_hits.Value());
  impl_->cache_misses.Increment(static_cast<double>(misses) - impl_->cache_misses.Value());
}

void Metrics::reloads(std::uint64_t succeeded, std::uint64_t failed, bool last_good, UnixSeconds since) {
  impl_->reloads_succeeded.Increment(static_cast<double>(succeeded) - impl_->reloads_succeeded.Value());
  impl_->reloads_failed.Increment(static_cast<double>(failed) - impl_->reloads_failed.Value());
  impl_->reload_good.Set(last_good ? 1 : 0);
  impl_->config_time.Set(static_cast<double>(since.time_since_epoch().count()));
}

void Metrics::process(std::size_t connections, bool ready, std::uint64_t log_lines_dropped) {
  impl_->connections.Set(static_cast<double>(connections));
  impl_->ready.Set(ready ? 1 : 0);
  impl_->dropped.Set(static_cast<double>(log_lines_dropped));
}

void Metrics::webhook(std::uint64_t sent, std::uint64_t failed, std::uint64_t dropped, std::size_t waiting) {
  set(impl_->messages_sent, sent);
  set(impl_->messages_failed, failed);
  set(impl_->messages_dropped, dropped);
  impl_->messages_waiting.Set(static_cast<double>(waiting));
}

void Metrics::spans(std::uint64_t sent, std::uint64_t dropped, std::uint64_t failed) {
  set(impl_->spans_sent, sent);
  set(impl_->spans_dropped, dropped);
  set(impl_->spans_failed, failed);
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace sallyport::gateway
