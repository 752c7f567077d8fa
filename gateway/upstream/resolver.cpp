#include "gateway/upstream/resolver.hpp"

#include <netdb.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>

#include <csignal>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

namespace sallyport::upstream {

using gateway::error_code;

// The lock is taken once per lookup, never by a request: it says whether the owner still lives.
struct Resolver::Mailbox {
  std::mutex mutex;
  Resolver* owner = nullptr;
};

Resolver::Resolver(net::any_io_executor executor, Lookup lookup, std::chrono::milliseconds remember)
    : executor_(std::move(executor)),
      lookup_(std::move(lookup)),
      remember_(remember),
      mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->owner = this;
}

Resolver::~Resolver() {
  std::lock_guard lock(mailbox_->mutex);
  mailbox_->owner = nullptr;
}

Resolver::Endpoints Resolver::system_lookup(const std::string& host, std::uint16_t port, error_code& ec) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  Endpoints found;
  if (code != 0) {
    ec = code == EAI_AGAIN ? error_code(net::error::host_not_found_try_again)
                           : error_code(net::error::host_not_found);
    return found;
  }
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    net::ip::tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
    endpoint.resize(entry->ai_addrlen);
    endpoint.port(port);
    found.emplace_back(endpoint);
  }
  ::freeaddrinfo(list);
  if (found.empty()) ec = net::error::host_not_found;
  return found;
}

// A detached thread: getaddrinfo can't be cancelled, and neither a request nor the end of the process waits
// for it. One at a time for each name.
void Resolver::ask(const Key& key, Name& name) {
  name.asking = true;
  try {
    std::thread([mailbox = mailbox_, lookup = lookup_, executor = executor_, key] {
      sigset_t all;
      sigfillset(&all);
      ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
      error_code ec;
      Endpoints found;
      try {
        found = lookup(key.first, key.second, ec);
      } catch (const std::exception&) {
        ec = net::error::no_memory;
      }
      std::lock_guard lock(mailbox->mutex);
      if (mailbox->owner == nullptr) return;  // and with it the loop behind the executor
      net::post(executor, [mailbox, key, found = std::move(found), ec]() mutable {
        // On the owner's thread, where it also dies.
        if (mailbox->owner != nullptr) mailbox->owner->answered(key, std::move(found), ec);
      });
    }).detach();
  } catch (const std::system_error& error) {  // no thread to be had
    spdlog::warn("cannot look up {}: {}", key.first, error.what());
    answered(key, {}, net::error::no_memory);
  }
}

void Resolver::answered(const Key& key, Endpoints endpoints, error_code ec) {
  Name& name = names_[key];
  name.asking = false;
  name.until = std::chrono::steady_clock::now() + remember_;
  if (!endpoints.empty()) {
    name.endpoints = std::move(endpoints);
  } else if (name.endpoints.empty()) {
    name.until = {};  // the next request asks again
  } else {
    spdlog::warn("{} cannot be resolved ({}); going on with its last addresses", key.first, ec.message());
  }
  name.ec = ec;
  for (Waiter* waiter : name.waiters) {
    waiter->answered = true;
    waiter->timer.cancel();
  }
  name.waiters.clear();
}

Task<Resolver::Endpoints> Resolver::resolve(const config::Upstream::Server& server, SteadyTime give_up,
                                            error_code& ec) {
  ec = {};
  Endpoints found;
  if (!server.unix_path.empty()) {
    found.emplace_back(net::local::stream_protocol::endpoint(server.unix_path));
    co_return found;
  }
  error_code not_literal;
  const auto literal = net::ip::make_address(server.host, not_literal);
  if (!not_literal) {
    found.emplace_back(net::ip::tcp::endpoint(literal, server.port));
    co_return found;
  }
  const Key key(server.host, server.port);
  Name& name = names_[key];  // never erased: the reference holds over the wait
  if (!name.asking && name.until <= std::chrono::steady_clock::now()) ask(key, name);
  if (name.endpoints.empty() && name.asking) {
    Waiter waiter{net::steady_timer(executor_, give_up)};
    const auto place = name.waiters.insert(name.waiters.end(), &waiter);
    auto [waited] = co_await waiter.timer.async_wait(kAwait);
    (void)waited;
    if (!waiter.answered) {
      name.waiters.erase(place);
      ec = net::error::timed_out;
      co_return found;
    }
  }
  found = name.endpoints;
  if (found.empty()) ec = name.ec ? name.ec : error_code(net::error::host_not_found);
  co_return found;
}

}  // namespace sallyport::upstream
