// Keeps the keys of the whole process up to date, on the control thread: those of issuers with a URL
// (key_fetcher.hpp) and our own (own_key_watch.hpp). Each change becomes a new snapshot, posted to every
// worker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/jose/key_wish.hpp"
#include "auth/stores/stores.hpp"
#include "auth/task.hpp"
#include "config/changes.hpp"
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
  // On the control thread, at a reload: follows the keys that this configuration names. `changes`: what is
  // another in it. Returns the keys in force now: what didn't change stays, that of issuers with a URL above
  // all.
  std::shared_ptr<const KeySnapshot> adopt(std::shared_ptr<const Runtime> runtime,
                                           const std::vector<config::Change>& changes);
  void stop();  // on the control thread
  // On the control thread: whose keys were never there, or that other gateways on this store have other keys
  // than we; empty: all is well.
  std::string problem() const;

  const KeySnapshot& current() const { return *current_; }  // on the control thread

  // Any thread. A token names a key that isn't known: looks for it where that is due. `done` is called on the
  // control thread, after newer keys (if there are any) were posted to the workers.
  void wish(jose::KeyWish wish, std::function<void()> done);

 private:
  std::shared_ptr<KeyFetcher> new_fetcher(bool reloaded);
  std::shared_ptr<OwnKeySource> new_own_source();
  void foreign_keys(const std::string& issuer, std::shared_ptr<const jose::KeySet> keys);
  void own_keys(jose::OwnKeys keys);
  void publish(KeySnapshot next);
  Task<> agree();
  Task<std::string> disagreement(std::string purpose, std::vector<std::string> ids);

  net::io_context& control_;
  std::shared_ptr<const Runtime> runtime_;
  std::shared_ptr<const KeySnapshot> current_;
  std::shared_ptr<KeyFetcher> fetcher_;
  std::shared_ptr<jose::KeyRingStore> rings_;  // null: nothing of ours to agree on
  std::shared_ptr<OwnKeySource> own_;          // none: our keys can't change, or there are none
  net::steady_timer agreement_;
  std::string disagreement_;
  bool stopped_ = false;
  std::vector<Worker*> workers_;
};

}  // namespace sallyport::gateway
