#include "auth/stores/redis/slots.hpp"

#include <algorithm>

#include "auth/stores/redis/errors.hpp"
#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {
namespace {

constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    table[i] = static_cast<std::uint16_t>(crc);
  }
  return table;
}
constexpr auto kTable = make_table();

// {host, port, id, ...}. A host that is nil or empty is the one that was asked; "?" is nobody's.
std::optional<Endpoint> read_node(const Reply& node, const Endpoint& asked) {
  if (!node.is_array() || node.elements.size() < 2) return std::nullopt;
  const Reply& host = node.elements[0];
  const auto port = number_of<std::uint16_t>(node.elements[1]);
  if (!port || *port == 0 || (!host.is_string() && !host.is_nil()) || host.text == "?") return std::nullopt;
  return Endpoint{host.text.empty() ? asked.host : host.text, *port, {}};
}

// "MOVED 3999 127.0.0.1:6381"; the host may be missing (the one that was asked) or an IPv6 address.
std::optional<Redirection> read_redirect(std::string_view text, std::string_view word,
                                         const Endpoint& asked) {
  if (!text.starts_with(word)) return std::nullopt;
  text.remove_prefix(word.size());
  const auto space = text.find(' ');
  const auto colon = text.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space)
    return std::nullopt;
  const auto slot = parse_number<unsigned>(text.substr(0, space));
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  std::string host(text.substr(space + 1, colon - space - 1));
  if (!slot || *slot >= kSlots || !port || *port == 0 || host == "?") return std::nullopt;
  if (host.empty()) host = asked.host;
  return Redirection{Redirection::Kind::none, *slot, Endpoint{std::move(host), *port, {}}};
}

bool says(std::string_view text, std::string_view code) {
  return text.starts_with(code) && (text.size() == code.size() || text[code.size()] == ' ');
}

}  // namespace

std::uint16_t crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (const char c : bytes)
    crc = ((crc << 8) ^ kTable[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xff]) & 0xffff;
  return static_cast<std::uint16_t>(crc);
}

// Only what is between the first { and the first } behind it counts, unless that is nothing.
unsigned slot_of(std::string_view key) {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return crc16(key) % kSlots;
}

boost::system::result<SlotMap, std::string> SlotMap::read(const Reply& reply, const Endpoint& asked) {
  if (reply.is_error()) return printable(reply.text);
  const auto nonsense = [] { return std::string("it doesn't answer as a node of a Cluster does"); };
  if (!reply.is_array()) return nonsense();
  SlotMap map;
  for (const Reply& range : reply.elements) {
    if (!range.is_array() || range.elements.size() < 3) return nonsense();
    const auto first = number_of<unsigned>(range.elements[0]);
    const auto last = number_of<unsigned>(range.elements[1]);
    if (!first || !last || *first > *last || *last >= kSlots) return nonsense();
    const auto master = read_node(range.elements[2], asked);
    if (!master) continue;
    const auto index = map.index_of(*master);
    std::fill(map.owner_.begin() + *first, map.owner_.begin() + *last + 1, index);
    for (std::size_t i = 3; i < range.elements.size(); ++i) {
      auto replica = read_node(range.elements[i], asked);
      if (replica && std::find(map.replicas_.begin(), map.replicas_.end(), *replica) == map.replicas_.end())
        map.replicas_.push_back(std::move(*replica));
    }
  }
  if (map.empty()) return std::string("it knows of no node that has slots");
  return map;
}

std::uint16_t SlotMap::index_of(const Endpoint& master) {
  const auto at = std::find(masters_.begin(), masters_.end(), master);
  if (at == masters_.end()) {
    masters_.push_back(master);
    return static_cast<std::uint16_t>(masters_.size() - 1);
  }
  return static_cast<std::uint16_t>(at - masters_.begin());
}

const Endpoint* SlotMap::owner(unsigned slot) const {
  const auto index = owner_[slot];
  return index == kNobody ? nullptr : &masters_[index];
}

void SlotMap::moved(unsigned slot, const Endpoint& to) { owner_[slot] = index_of(to); }

unsigned SlotMap::covered() const {
  return static_cast<unsigned>(kSlots - std::count(owner_.begin(), owner_.end(), kNobody));
}

Redirection redirection_of(const std::vector<Reply>& replies, const Endpoint& asked) {
  Redirection found;
  for (const Reply& reply : replies) {
    if (!reply.is_error()) continue;
    if (auto moved = read_redirect(reply.text, "MOVED ", asked)) {
      moved->kind = Redirection::Kind::moved;
      return *moved;
    }
    if (says(reply.text, "TRYAGAIN")) {
      found.kind = Redirection::Kind::later;
    } else if (auto ask = read_redirect(reply.text, "ASK ", asked);
               ask && found.kind == Redirection::Kind::none) {
      found = std::move(*ask);
      found.kind = Redirection::Kind::ask;
    }
  }
  return found;
}

std::vector<Reply> merged(std::vector<Reply> here, std::vector<Reply> there) {
  for (std::size_t i = 0; i < here.size() && 2 * i + 1 < there.size(); ++i)
    if (here[i].is_error() && says(here[i].text, "ASK")) here[i] = std::move(there[2 * i + 1]);
  return here;
}

bool is_about_the_map(std::string_view error) {
  return says(error, "CLUSTERDOWN") || says(error, "MOVED") || says(error, "MASTERDOWN") ||
         says(error, "READONLY");
}

}  // namespace sallyport::stores::redis
