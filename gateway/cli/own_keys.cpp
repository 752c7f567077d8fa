#include "gateway/cli/own_keys.hpp"

#include <functional>
#include <utility>

#include "auth/jose/key_acts.hpp"
#include "auth/jose/stored_keys.hpp"
#include "gateway/cli/command.hpp"

namespace sallyport::cli {
namespace {

using jose::KeyResult;
using jose::KeyRing;
namespace acts = jose::acts;

class InFolder final : public KeyHome {
 public:
  InFolder(const std::string& path, jose::Algorithm algorithm) : folder_(path, algorithm) {}
  KeyResult<jose::OwnKeys> open(UnixSeconds now) override { return folder_.open(now); }
  KeyResult<std::string> rotate(UnixSeconds now) override { return folder_.rotate(now); }
  KeyResult<std::string> rotate_refresh(UnixSeconds now) override { return folder_.rotate_refresh(now); }
  KeyResult<void> revoke(std::string_view id, UnixSeconds now) override { return folder_.revoke(id, now); }
  KeyResult<std::vector<jose::KeyInfo>> list() override { return folder_.list(); }

 private:
  jose::KeyDirectory folder_;
};

Task<int> change(stores::Stores& stores, const config::Secret& wrap_key, const jose::RingAct& act,
                 std::string& problem) {
  config::Secret key = wrap_key;
  jose::RingAct copy = act;
  const auto changed = co_await jose::change_ring(*stores.keys, std::move(key), std::move(copy));
  if (!changed) problem = changed.error();
  co_return changed ? kFine : kNotThere;
}

class InStore final : public KeyHome {
 public:
  explicit InStore(const config::Config& config)
      : config_(config), algorithm_(jose::ring_algorithm(config.tokens)) {}

  KeyResult<jose::OwnKeys> open(UnixSeconds now) override {
    return work<jose::OwnKeys>([=, this](KeyRing& ring) -> KeyResult<jose::OwnKeys> {
      auto change = acts::begin(ring);
      if (!change) return change.error();
      if (const auto made = acts::make_missing(*change, algorithm_, now); !made) return made.error();
      return acts::load(ring, change->entries, algorithm_.has_value());
    });
  }
  KeyResult<std::string> rotate(UnixSeconds now) override {
    if (!algorithm_)
      return jose::failed("the tokens are signed with a secret: there is no signing key to rotate");
    return work<std::string>([=, this](KeyRing& ring) -> KeyResult<std::string> {
      auto change = acts::begin(ring);
      if (!change) return jose::failed(change.error());
      return acts::rotate(*change, *algorithm_, now);
    });
  }
  KeyResult<std::string> rotate_refresh(UnixSeconds now) override {
    return work<std::string>([=](KeyRing& ring) -> KeyResult<std::string> {
      auto change = acts::begin(ring);
      if (!change) return jose::failed(change.error());
      return acts::rotate_refresh(*change, now);
    });
  }
  KeyResult<void> revoke(std::string_view id, UnixSeconds now) override {
    std::string problem;
    const jose::RingAct act = [=, this](KeyRing& ring) -> KeyResult<void> {
      auto change = acts::begin(ring);
      if (!change) return change.error();
      return acts::revoke(*change, algorithm_.value_or(jose::Algorithm::es256), id, now);
    };
    return run(act, problem) ? KeyResult<void>() : KeyResult<void>(problem);
  }
  KeyResult<std::vector<jose::KeyInfo>> list() override {
    return work<std::vector<jose::KeyInfo>>([](KeyRing& ring) { return acts::list(ring); });
  }

 private:
  bool run(const jose::RingAct& act, std::string& problem) {
    const int code = with_stores(config_, [&](stores::Stores& stores) {
      return change(stores, config_.tokens.signing.wrap_key, act, problem);
    });
    if (code != kFine && problem.empty()) problem = "the keys in the store can't be reached";
    return code == kFine;
  }

  template <typename T>
  KeyResult<T> work(const std::function<KeyResult<T>(KeyRing&)>& act) {
    std::optional<T> result;
    std::string problem;
    const jose::RingAct noting = [&](KeyRing& ring) -> KeyResult<void> {
      auto done = act(ring);
      if (!done) return done.error();
      result.emplace(std::move(*done));
      return {};
    };
    if (!run(noting, problem)) return jose::failed(std::move(problem));
    return KeyResult<T>(boost::system::in_place_value, std::move(*result));
  }

  const config::Config& config_;
  std::optional<jose::Algorithm> algorithm_;
};

}  // namespace

std::unique_ptr<KeyHome> key_home(const config::Config& config) {
  const auto& signing = config.tokens.signing;
  const auto algorithm = jose::parse_algorithm(signing.algorithm);
  if (config.tokens.issuer.empty()) {
    complain("tokens.issuer isn't configured: this gateway has no keys of its own");
  } else if (jose::keys_in_store(config.tokens)) {
    return std::make_unique<InStore>(config);
  } else if (!signing.secret.empty()) {
    complain(
        "tokens.signing.secret is the key; change it in the file or variable that it comes from and reload");
  } else if (signing.keys.empty() || !algorithm) {
    complain("tokens.signing.keys names no directory; these commands work on one");
  } else {
    return std::make_unique<InFolder>(signing.keys, *algorithm);
  }
  return nullptr;
}

std::optional<jose::OwnKeys> stored_keys(const config::Config& config, std::string& problem) {
  const auto algorithm = jose::ring_algorithm(config.tokens);
  if (!jose::keys_in_store(config.tokens) || !algorithm) return std::nullopt;
  std::optional<jose::OwnKeys> keys;
  const jose::RingAct look = [&](KeyRing& ring) -> KeyResult<void> {
    if (ring.names().empty()) return std::string("there are no keys in the store yet (serve makes them)");
    const auto entries = acts::read_state(ring);
    if (!entries) return entries.error();
    auto loaded = acts::load(ring, *entries, true);
    if (!loaded) return loaded.error();
    keys.emplace(std::move(*loaded));
    return {};
  };
  const int code = with_stores(config, [&](stores::Stores& stores) {
    return change(stores, config.tokens.signing.wrap_key, look, problem);
  });
  if (code != kFine && problem.empty()) problem = "the keys in the store can't be reached";
  return keys;
}

}  // namespace sallyport::cli
