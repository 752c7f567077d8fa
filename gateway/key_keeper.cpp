#include "gateway/key_keeper.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include <utility>

#include "gateway/issuers.hpp"
#include "gateway/key_handover.hpp"
#include "gateway/own_key_watch.hpp"
#include "gateway/stored_key_watch.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

namespace {

constexpr std::chrono::seconds kAgreeEvery{1};

}  // namespace

KeyKeeper::KeyKeeper(net::io_context& control, std::shared_ptr<const Runtime> runtime, stores::Backend* store)
    : control_(control),
      runtime_(std::move(runtime)),
      current_(runtime_->keys),
      fetcher_(new_fetcher(false)),
      agreement_(control) {
  if (runtime_->issues_tokens() && store != nullptr)
    rings_ = std::move(store->connect(control.get_executor()).keys);
  own_ = new_own_source();
}

std::shared_ptr<KeyFetcher> KeyKeeper::new_fetcher(bool reloaded) {
  const auto publish = [this](const std::string& issuer, std::shared_ptr<const jose::KeySet> keys) {
    foreign_keys(issuer, std::move(keys));
  };
  return std::make_shared<KeyFetcher>(control_, runtime_->config.tokens, publish, reloaded);
}

std::shared_ptr<OwnKeySource> KeyKeeper::new_own_source() {
  const config::Tokens& tokens = runtime_->config.tokens;
  if (tokens.issuer.empty()) return nullptr;
  const auto publish = [this](jose::OwnKeys keys) { own_keys(std::move(keys)); };
  if (jose::keys_in_store(tokens)) return std::make_shared<StoredKeyWatch>(control_, rings_, tokens, publish);
  if (OwnKeyWatch::wanted(tokens)) return std::make_shared<OwnKeyWatch>(control_, tokens, publish);
  return nullptr;
}

void KeyKeeper::start(std::vector<Worker*> workers) {
  workers_ = std::move(workers);
  fetcher_->start(fetcher_);
  if (own_) own_->start(own_);
  if (rings_)
    spawn(control_, agree(), [](std::exception_ptr error) {
      if (error) spdlog::critical("comparing our keys with those of other gateways failed");
    });
}

std::shared_ptr<const KeySnapshot> KeyKeeper::adopt(std::shared_ptr<const Runtime> runtime,
                                                    const std::vector<config::Change>& changes) {
  const std::shared_ptr<const Runtime> before = std::exchange(runtime_, std::move(runtime));
  KeySnapshot next =
      keys_after_reload(*current_, before->config.tokens, *runtime_->keys, runtime_->config.tokens);
  current_ = std::make_shared<const KeySnapshot>(std::move(next));
  if (config::touch(changes, "tokens.issuers")) {
    fetcher_->stop();
    fetcher_ = new_fetcher(true);
    fetcher_->start(fetcher_);
  }
  // How long a key signs and is kept depends on the lives of tokens and sessions.
  if (config::touch(changes, "tokens.signing") || config::touch(changes, "tokens.refresh") ||
      config::touch(changes, "tokens.access_ttl") || config::touch(changes, "tokens.clock_skew")) {
    if (own_) own_->stop();
    own_ = new_own_source();
    if (own_) own_->start(own_);
  }
  return current_;
}

void KeyKeeper::stop() {
  fetcher_->stop();
  if (own_) own_->stop();
  stopped_ = true;
  agreement_.cancel();
}

std::string KeyKeeper::problem() const {
  // After a reload a new source may not have looked yet: the keys of before are in force.
  const std::string own = own_ && !current_->signing ? own_->problem() : std::string();
  if (!own.empty()) return own;
  return disagreement_.empty() ? fetcher_->problem() : disagreement_;
}

// Empty: whoever works on this store has these keys too, or the store can't say (then nobody is ready
// anyway).
Task<std::string> KeyKeeper::disagreement(std::string purpose, std::vector<std::string> ids) {
  if (ids.empty()) co_return std::string();
  const std::string ours = ids.front();
  std::string name = purpose, newest = ours;
  const auto said = co_await rings_->agree(std::move(name), std::move(newest), std::move(ids), false);
  if (!said || *said == ours) co_return std::string();
  co_return "other gateways on this store have the " + purpose + " key " + *said + ", this one has " + ours +
      ": give all of them the same keys (one folder, or `keys: store`), or make ours the store's with "
      "`sallyport keys adopt`";
}

// Two gateways with different keys on one store would refuse each other's tokens: the second isn't ready.
Task<> KeyKeeper::agree() {
  while (!stopped_) {
    std::vector<std::string> signing, refresh;
    if (current_->signing) signing.push_back(current_->signing->id);
    for (const jose::Issuer& issuer : *current_->issuers)
      if (issuer.own)
        for (const jose::Key& key : issuer.keys->keys()) signing.push_back(key.id);
    for (const jose::MacKey& key : current_->refresh) refresh.push_back(key.id);
    std::string problem = co_await disagreement("signing", std::move(signing));
    if (problem.empty()) problem = co_await disagreement("refresh", std::move(refresh));
    if (!problem.empty() && problem != disagreement_) spdlog::error("not ready: {}", problem);
    disagreement_ = std::move(problem);
    if (stopped_) break;
    agreement_.expires_after(kAgreeEvery);
    auto [ec] = co_await agreement_.async_wait(kAwait);
    (void)ec;
  }
  rings_.reset();
}

void KeyKeeper::wish(jose::KeyWish wish, std::function<void()> done) {
  net::post(control_, [this, wish = std::move(wish), done = std::move(done)]() mutable {
    if (own_ && wish.issuer == runtime_->config.tokens.issuer) return own_->wish(std::move(done));
    fetcher_->wish(wish.issuer, wish.key_id, std::move(done));
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
  const bool signs = !current_->signing || keys.signing->id != current_->signing->id;
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
