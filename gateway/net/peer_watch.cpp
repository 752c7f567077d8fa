// See peer_watch.hpp.
#include "gateway/net/peer_watch.hpp"

#include <utility>

namespace sallyport::gateway {

bool is_gone(short events, Patience patience) {
  if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) return true;
  return patience == Patience::event_stream && (events & POLLRDHUP) != 0;
}

PeerWatches::Watch::Watch(PeerWatches& watches, int descriptor, std::function<void()> told)
    : descriptor_(descriptor), told_(std::move(told)) {
  watches.watches_.push_back(*this);
}

void PeerWatches::check() {
  polled_.clear();
  for (const Watch& watch : watches_) polled_.push_back({watch.gone_ ? -1 : watch.descriptor_, POLLRDHUP, 0});
  if (polled_.empty() || ::poll(polled_.data(), polled_.size(), 0) <= 0) return;
  std::size_t at = 0;
  for (Watch& watch : watches_) {
    const short events = polled_[at++].revents;
    if (events == 0 || watch.gone_ || !is_gone(events, watch.patience_)) continue;
    watch.gone_ = true;
    watch.told_();
  }
}

}  // namespace sallyport::gateway
