// See tls_files.hpp.
#include "gateway/net/tls_files.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "gateway/net/listen.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::chrono::seconds kEvery{2};

void append_state(std::string& out, const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    out += "-;";
    return;
  }
  out += std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) + ":" +
         std::to_string(info.st_size) + ":" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec) + ";";
}

}  // namespace

std::string TlsFilesWatch::state_of(const config::Listener& listener) {
  std::string state;
  for (const config::TlsFiles& files : listener.tls) {
    append_state(state, files.certificate);
    append_state(state, files.key);
  }
  if (!listener.client_ca.empty()) append_state(state, listener.client_ca);
  return state;
}

boost::system::result<TlsServers, std::string> TlsFilesWatch::load() {
  TlsServers servers;
  for (const config::Listener& listener : listeners_) {
    Watched& watched = watched_.emplace_back();
    servers.emplace_back();
    if (listener.tls.empty()) continue;
    watched.loaded = state_of(listener);  // before the reading: a change during it is seen later
    auto server = TlsServer::load(listener, tickets_);
    if (!server) return server.error();
    for (const std::string& note : (*server)->notes()) spdlog::warn("{}", note);
    servers.back() = std::move(*server);
  }
  return servers;
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
  for (const config::Listener& listener : listeners_)
    if (!listener.tls.empty()) return wait();
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
