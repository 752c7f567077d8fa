// Keeps the keys of the whole process up to date, on the control thread: those of issuers with a URL
// (key_fetcher.hpp) and our own (own_key_watch.hpp). Each change becomes a new snapshot, posted to every
// worker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/jose/key_wish.hpp"
#include "auth/stores/stores.hpp"
#include "auth/task.hpp"
#include "gateway/key_fetcher.hpp"
#include "gateway/key_snapshot.hpp"
#include "gateway/own_key_source.hpp"
#include "gateway/runtime.hpp"

namespace sallyport::gateway {

class Worker;

class KeyKeeper {
 public:
  // Throws where OpenSSL can't be set up for fetching. `store`: null where none is needed.
  KeyKeeper(net::io_context& control, std::shared_ptr<const Runtime> runtime, stores::Backend* store);

  // `workers` outlive the control thread's loop.
  void start(std::vector<Worker*> workers);
  void stop();  // on the control thread
  // On the control thread: whose keys were never there, or that other gateways on this store have other keys
  // than we; empty: all is well.
  std::string problem() const;

  // Any thread. May this issuer have keys that we don't know yet?
  bool may_learn(std::string_view issuer) const { return changing_.count(issuer) != 0; }
  // Any thread. A token names a key that isn't known: looks for it where that is due. `done` is called on the
  // control thread, after newer keys (if there are any) were posted to the workers.
  void wish(jose::KeyWish wish, std::function<void()> done);

 private:
  void foreign_keys(const std::string& issuer, std::shared_ptr<const jose::KeySet> keys);
  void own_keys(jose::OwnKeys keys);
  void publish(KeySnapshot next);
  Task<> agree();
  Task<std::string> disagreement(std::string purpose, std::vector<std::string> ids);

  net::io_context& control_;
  std::shared_ptr<const Runtime> runtime_;
  std::shared_ptr<const KeySnapshot> current_;
  std::set<std::string, std::less<>> changing_;  // issuers whose keys may change; never changes itself
  KeyFetcher fetcher_;
  std::shared_ptr<jose::KeyRingStore> rings_;  // null: nothing of ours to agree on
  std::unique_ptr<OwnKeySource> own_;          // none: our keys can't change, or there are none
  net::steady_timer agreement_;
  std::string disagreement_;
  bool stopped_ = false;
  std::vector<Worker*> workers_;
};

}  // namespace sallyport::gateway
