// Which node of a Cluster holds a key, and what its redirections mean. Pure.
#pragma once

#include <boost/system/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/stores/redis/resp.hpp"
#include "auth/stores/redis/topology.hpp"

namespace sallyport::stores::redis {

inline constexpr unsigned kSlots = 16384;

std::uint16_t crc16(std::string_view bytes);  // XMODEM, as the Cluster specification has it
unsigned slot_of(std::string_view key);       // of the {hash tag} where there is one

// Who owns which slot, as one node told it, corrected by redirections since.
class SlotMap {
 public:
  // The answer to CLUSTER SLOTS. A node that doesn't know its own address is where it was `asked`.
  static boost::system::result<SlotMap, std::string> read(const Reply& reply, const Endpoint& asked);

  const Endpoint* owner(unsigned slot) const;  // nullptr: nobody; valid until the next change
  void moved(unsigned slot, const Endpoint& to);
  unsigned covered() const;  // slots that have an owner
  bool empty() const { return masters_.empty(); }
  const std::vector<Endpoint>& masters() const { return masters_; }
  const std::vector<Endpoint>& replicas() const { return replicas_; }

 private:
  static constexpr std::uint16_t kNobody = 0xffff;
  std::uint16_t index_of(const Endpoint& master);

  std::vector<Endpoint> masters_;
  std::vector<Endpoint> replicas_;
  std::vector<std::uint16_t> owner_ = std::vector<std::uint16_t>(kSlots, kNobody);
};

// What to do after the replies to one piece of work.
struct Redirection {
  enum class Kind {
    none,   // they are the answer
    moved,  // nothing happened: send all of it to `to`, which owns the slot from now on
    ask,    // some keys have gone to `to` already: ask there for those (and only this time)
    later   // nothing happened: the slot is between two nodes; try again soon
  };
  Kind kind = Kind::none;
  unsigned slot = 0;
  Endpoint to;
};
// `asked` is the node that answered.
Redirection redirection_of(const std::vector<Reply>& replies, const Endpoint& asked);

// The replies of the second node take the place of those that said ASK. `there` has two for each command:
// to ASKING, and to the command.
std::vector<Reply> merged(std::vector<Reply> here, std::vector<Reply> there);

// Does this error say that our map may be old or a part of the Cluster is down?
bool is_about_the_map(std::string_view error);

}  // namespace sallyport::stores::redis
