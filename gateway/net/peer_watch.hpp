// Notices that a client went away while the gateway neither reads from it nor writes to it: it waits for its
// upstream. One poll() over all of a worker's waiting clients, each second.
//
// What a socket can tell of its peer, and what we make of it:
//   POLLERR, POLLHUP  a reset, or both directions are over: gone, whatever was asked.
//   POLLRDHUP         a FIN: the peer sends nothing more. It closed the connection, or only said that its
//                     request is complete and still wants the answer (half-close, `nc -N`); TCP can't say
//                     which. An ordinary request gets its answer, which is bounded by the route's timeout; an
//                     event stream has no end of its own and no client half-closes one: gone.
#pragma once

#include <poll.h>
#include <boost/intrusive/list.hpp>

#include <functional>
#include <vector>

namespace sallyport::gateway {

enum class Patience : std::uint8_t { answer, event_stream };

// Is the peer gone, by what poll() says of its socket? Pure.
bool is_gone(short events, Patience patience);

class PeerWatches {
 public:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  // Watches one socket until it dies. `told` is called at most once and must not destroy the watch.
  class Watch : public Hook {
   public:
    Watch(PeerWatches& watches, int descriptor, std::function<void()> told);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    void wants(Patience patience) { patience_ = patience; }
    bool gone() const { return gone_; }

   private:
    friend class PeerWatches;
    int descriptor_;
    std::function<void()> told_;
    Patience patience_ = Patience::answer;
    bool gone_ = false;
  };

  void check();

 private:
  boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>> watches_;
  std::vector<pollfd> polled_;  // reused
};

}  // namespace sallyport::gateway
