// See tls_files.hpp.
#include "gateway/net/tls_files.hpp"

#include <spdlog/spdlog.h>

#include "gateway/net/file_stamp.hpp"
#include "gateway/net/listen.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::chrono::seconds kEvery{2};

}  // namespace

std::string TlsFilesWatch::state_of(const config::Listener& listener) {
  std::string state;
  for (const config::TlsFiles& files : listener.tls) {
    state += file_stamp(files.certificate);
    state += file_stamp(files.key);
  }
  if (!listener.client_ca.empty()) state += file_stamp(listener.client_ca);
  return state;
}

boost::system::result<TlsFilesWatch::Loaded, std::string> TlsFilesWatch::load(
    const std::vector<config::Listener>& listeners) {
  Loaded loaded;
  for (const config::Listener& listener : listeners) {
    std::string& state = loaded.states.emplace_back();
    loaded.servers.emplace_back();
    if (listener.tls.empty()) continue;
    state = state_of(listener);  // before the reading: a change during it is seen later
    auto server = TlsServer::load(listener, tickets_);
    if (!server) return server.error();
    for (const std::string& note : (*server)->notes()) spdlog::warn("{}", note);
    loaded.servers.back() = std::move(*server);
  }
  return loaded;
}

void TlsFilesWatch::watch(std::vector<config::Listener> listeners, const Loaded& loaded) {
  listeners_ = std::move(listeners);
  watched_.clear();
  for (const std::string& state : loaded.states) watched_.push_back({state, {}});
}

void TlsFilesWatch::check() {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const config::Listener& listener = listeners_[i];
    if (listener.tls.empty()) continue;
    Watched& watched = watched_[i];
    std::string state = state_of(listener);
    if (state == watched.loaded) {
      watched.said.clear();
      continue;
    }
    auto server = TlsServer::load(listener, tickets_);
    if (!server) {
      if (watched.said != server.error())
        spdlog::error("certificates of {} stay as they were: {}", to_text(listener.address), server.error());
      watched.said = server.error();
      continue;
    }
    for (const std::string& note : (*server)->notes()) spdlog::warn("{}", note);
    watched = {std::move(state), {}};
    use_(i, std::move(*server));
    spdlog::info("new certificates in force on {}", to_text(listener.address));
  }
}

void TlsFilesWatch::start(Use use) {
  use_ = std::move(use);
  wait();
}

void TlsFilesWatch::stop() {
  stopped_ = true;
  timer_.cancel();
}

void TlsFilesWatch::wait() {
  timer_.expires_after(kEvery);
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec || stopped_) return;
    check();
    wait();
  });
}

}  // namespace sallyport::gateway
