#include "gateway/key_keeper.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include <utility>

#include "gateway/issuers.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

KeyKeeper::KeyKeeper(net::io_context& control, std::shared_ptr<const Runtime> runtime)
    : control_(control),
      runtime_(std::move(runtime)),
      current_(runtime_->keys),
      fetcher_(control, runtime_->config.tokens,
               [this](const std::string& issuer, std::shared_ptr<const jose::KeySet> keys) {
                 foreign_keys(issuer, std::move(keys));
               }) {
  for (const config::ForeignIssuer& issuer : runtime_->config.tokens.issuers)
    if (has_key_url(issuer)) changing_.insert(issuer.issuer);
  const config::Tokens& tokens = runtime_->config.tokens;
  if (!OwnKeyWatch::wanted(tokens)) return;
  changing_.insert(tokens.issuer);
  own_.emplace(control, tokens, [this](jose::OwnKeys keys) { own_keys(std::move(keys)); });
}

void KeyKeeper::start(std::vector<Worker*> workers) {
  workers_ = std::move(workers);
  fetcher_.start();
  if (own_) own_->start();
}

void KeyKeeper::stop() {
  fetcher_.stop();
  if (own_) own_->stop();
}

std::string KeyKeeper::problem() const { return fetcher_.problem(); }

void KeyKeeper::wish(jose::KeyWish wish, std::function<void()> done) {
  net::post(control_, [this, wish = std::move(wish), done = std::move(done)]() mutable {
    if (own_ && wish.issuer == runtime_->config.tokens.issuer) return own_->wish(std::move(done));
    fetcher_.wish(wish.issuer, wish.key_id, std::move(done));
  });
}

void KeyKeeper::foreign_keys(const std::string& issuer, std::shared_ptr<const jose::KeySet> keys) {
  auto issuers = std::make_shared<std::vector<jose::Issuer>>(*current_->issuers);
  for (jose::Issuer& known : *issuers)
    if (known.issuer == issuer) known.keys = keys;
  KeySnapshot next = *current_;
  next.issuers = std::move(issuers);
  publish(std::move(next));
}

void KeyKeeper::own_keys(jose::OwnKeys keys) {
  const auto ids = [](const std::vector<jose::MacKey>& macs) {
    std::string all;
    for (const jose::MacKey& mac : macs) all += mac.id + ' ';
    return all;
  };
  const std::string jwks = keys.verifying->jwks();
  const bool others = jwks != current_->jwks;
  const bool signs = keys.signing->id != current_->signing->id;
  if (!others && !signs && ids(keys.refresh) == ids(current_->refresh)) return;
  KeySnapshot next = *current_;
  if (others) {
    auto issuers = std::make_shared<std::vector<jose::Issuer>>(*current_->issuers);
    for (jose::Issuer& issuer : *issuers)
      if (issuer.own) issuer.keys = keys.verifying;
    next.issuers = std::move(issuers);
    next.jwks = jwks;
  }
  next.signing = std::move(keys.signing);
  next.refresh = std::move(keys.refresh);
  publish(std::move(next));
  if (others) spdlog::info("our own keys changed: {} verify", keys.verifying->keys().size());
  if (signs) spdlog::info("our tokens are signed with {} now", current_->signing->id);
}

void KeyKeeper::publish(KeySnapshot next) {
  current_ = std::make_shared<const KeySnapshot>(std::move(next));
  for (Worker* worker : workers_) worker->post([keys = current_](Worker& w) { w.use(keys); });
}

}  // namespace sallyport::gateway
