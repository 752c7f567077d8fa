#include "gateway/key_fetcher.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "auth/jose/strict_json.hpp"
#include "gateway/issuers.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

std::vector<jose::Algorithm> algorithms_of(const config::ForeignIssuer& issuer) {
  std::vector<jose::Algorithm> allowed;
  for (const std::string& name : issuer.algorithms)
    // A secret comes from a file, never from a URL (CONTRACT section 4).
    if (const auto algorithm = jose::parse_algorithm(name); algorithm && !jose::symmetric(*algorithm))
      allowed.push_back(*algorithm);
  return allowed;
}

// What portals and proxies say in place of a document.
bool is_html(const HttpCaller::Answer& document) {
  const auto first = document.body.find_first_not_of(" \t\r\n");
  return istarts_with(document.content_type, "text/html") ||
         (first != std::string::npos && document.body[first] == '<');
}

// The URL of the keys in an OpenID configuration; the error is for the operator.
boost::system::result<HttpUrl, std::string> jwks_url(const HttpCaller::Answer& document,
                                                     const std::string& issuer, bool https) {
  const auto value = jose::parse_strict_json(document.body);
  if (!value || !value->is_object()) return std::string("the OpenID configuration is not a JSON object");
  const auto text = [&](std::string_view name) {
    const boost::json::value* member = value->get_object().if_contains(name);
    return member != nullptr && member->is_string() ? std::string_view(member->get_string())
                                                    : std::string_view();
  };
  // Section 4.3: or somebody else's document would choose our keys.
  if (text("issuer") != issuer) return std::string("the OpenID configuration is of another issuer");
  auto url = parse_http_url(text("jwks_uri"));
  if (!url) return std::string("the OpenID configuration has no jwks_uri that is a URL");
  if (https && !url->server.tls)
    return std::string(
        "the jwks_uri of the OpenID configuration is plain http, which anybody on the way can change");
  return std::move(*url);
}

}  // namespace

struct KeyFetcher::Source {
  Source(net::io_context& control, const config::ForeignIssuer& issuer)
      : name(issuer.issuer),
        discovery(!issuer.discovery.empty()),
        url(parse_http_url(discovery ? issuer.discovery : issuer.jwks)),
        allowed(algorithms_of(issuer)),
        refresher(jose::KeyRefresher::Rules{}, steady_now()),
        timer(control) {}

  std::string name;
  bool discovery;
  std::optional<HttpUrl> url;
  std::vector<jose::Algorithm> allowed;
  jose::KeyRefresher refresher;
  net::steady_timer timer;
  std::vector<std::function<void()>> waiting;
};

KeyFetcher::KeyFetcher(net::io_context& control, const config::Tokens& tokens, Publish publish, bool reloaded)
    : control_(control),
      publish_(std::move(publish)),
      deadlines_(steady_now()),
      caller_(control.get_executor(), deadlines_),
      ticker_(control),
      reloaded_(reloaded) {
  for (const config::ForeignIssuer& issuer : tokens.issuers)
    if (has_key_url(issuer)) sources_.emplace_back(control, issuer);
}

KeyFetcher::~KeyFetcher() = default;

void KeyFetcher::start(std::shared_ptr<KeyFetcher> self) {
  if (sources_.empty()) return;
  const auto failed = [self = std::move(self)](std::exception_ptr error) {
    if (error) spdlog::critical("fetching keys failed; the keys of that issuer stay as they are");
  };
  spawn(control_, tick(), failed);
  for (Source& source : sources_) spawn(control_, run(source), failed);
}

void KeyFetcher::stop() {
  stopped_ = true;
  caller_.stop();
  ticker_.cancel();
  for (Source& source : sources_) {
    source.timer.cancel();
    source.waiting.clear();
  }
}

Task<> KeyFetcher::tick() {
  while (!stopped_) {
    deadlines_.tick(steady_now());
    ticker_.expires_after(Deadlines::kTick);
    auto [ec] = co_await ticker_.async_wait(kAwait);
    (void)ec;
  }
}

Task<> KeyFetcher::run(Source& source) {
  while (!stopped_) {
    const auto due = source.refresher.due();
    if (due && *due > steady_now()) {
      source.timer.expires_at(*due);
      auto [ec] = co_await source.timer.async_wait(kAwait);
      (void)ec;  // cancelled: a wish made it due earlier, or the end
      continue;
    }
    source.refresher.begin();
    jose::KeyResult<jose::ParsedKeySet> fetched = co_await fetch(source);
    if (stopped_) co_return;
    const jose::KeyRefresher::Answer answer = source.refresher.answered(std::move(fetched), steady_now());
    report(source, answer);
    if (answer.changed) publish_(source.name, source.refresher.keys());
    for (const auto& done : std::exchange(source.waiting, {})) done();
  }
}

void KeyFetcher::report(const Source& source, const jose::KeyRefresher::Answer& answer) const {
  if (answer.message.empty()) return;
  spdlog::log(answer.failed ? spdlog::level::warn : spdlog::level::info, "keys of issuer {}: {}", source.name,
              answer.message);
}

Task<jose::KeyResult<jose::ParsedKeySet>> KeyFetcher::fetch(const Source& source) {
  using Keys = jose::KeyResult<jose::ParsedKeySet>;
  if (!source.url) co_return Keys(std::string("the URL of its keys is not one that can be fetched"));
  HttpUrl url = *source.url;
  if (source.discovery) {
    HttpUrl where = url;
    const HttpCaller::Result document = co_await caller_.get(std::move(where));
    if (!document) co_return Keys("cannot fetch its OpenID configuration: " + document.error());
    if (is_html(*document)) co_return Keys(std::string("its OpenID configuration is an HTML page, not JSON"));
    auto found = jwks_url(*document, source.name, url.server.tls);
    if (!found) co_return Keys(found.error());
    url = std::move(*found);
  }
  const HttpCaller::Result document = co_await caller_.get(std::move(url));
  if (!document) co_return Keys("cannot fetch its keys: " + document.error());
  if (is_html(*document)) co_return Keys(std::string("its key URL answers with an HTML page, not a JWK Set"));
  co_return jose::parse_jwks(document->body, source.allowed);
}

void KeyFetcher::wish(std::string_view issuer, std::string_view key_id, std::function<void()> done) {
  if (stopped_) return done();
  for (Source& source : sources_) {
    if (source.name != issuer) continue;
    if (!source.refresher.wish(key_id, steady_now())) return done();
    source.waiting.push_back(std::move(done));
    source.timer.cancel();
    return;
  }
  done();
}

std::string KeyFetcher::problem() const {
  std::string all;
  for (const Source& source : sources_) {
    if (reloaded_ || source.refresher.keys()) continue;
    if (!all.empty()) all += "; ";
    all += "keys of issuer " + source.name + " not loaded: " + source.refresher.problem();
  }
  return all;
}

}  // namespace sallyport::gateway
