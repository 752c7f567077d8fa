// The tunnels and event streams of a worker that end when their token does. Pure bookkeeping: the driver of a
// stream is told, once, and performs. One thread.
#pragma once

#include <boost/intrusive/list.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "auth/jose/claims.hpp"
#include "auth/revocation/revocation_set.hpp"
#include "auth/time.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

enum class StreamEnd : std::uint8_t {
  none,     // goes on
  expired,  // its token's time (or its session's longest) is over
  revoked,  // its token, session, user or key was revoked
};
std::string_view to_string(StreamEnd end);  // the contract's `error`: token_expired, token_revoked

// Until when a stream of these claims may go on; nullopt: as long as nobody revokes it.
//   token:   until the token counts as expired, the moment `expired`, as for a request;
//   session: past that, where the token is of a session of ours: until that must be over. A token says when
//   it
//            was issued, so that is at most `absolute_ttl` later (none: no such limit).
std::optional<UnixSeconds> stream_limit(const jose::Claims& claims, config::StreamEnds rule,
                                        UnixSeconds expired,
                                        std::optional<std::chrono::seconds> absolute_ttl);

class OpenStreams {
 public:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  // One open stream; leaves the register when it dies. Dies before the register.
  class Entry : public Hook {
   public:
    // `told` is called once, when the stream is to end. It must not destroy the entry.
    Entry(OpenStreams& streams, std::shared_ptr<const jose::Claims> claims, std::optional<UnixSeconds> limit,
          std::function<void(StreamEnd)> told);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    StreamEnd ended() const { return ended_; }
    void recheck(const revocation::RevocationSet& index, UnixSeconds now);

   private:
    friend class OpenStreams;
    void end(StreamEnd why);

    OpenStreams& streams_;
    std::shared_ptr<const jose::Claims> claims_;
    revocation::Digests digests_;
    std::optional<std::multimap<UnixSeconds, Entry*>::iterator> due_;
    std::function<void(StreamEnd)> told_;
    StreamEnd ended_ = StreamEnd::none;
  };

  // Ends those whose limit has come. Each second; costs nothing where none has.
  void tick(UnixSeconds now);
  // A new index is in force: ends those that it revokes. One look-up each.
  void recheck(const revocation::RevocationSet& index, UnixSeconds now);
  std::size_t size() const { return count_; }

 private:
  using List = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;
  List streams_;
  std::multimap<UnixSeconds, Entry*> due_;
  std::size_t count_ = 0;
};

}  // namespace sallyport::gateway
