// One-time tickets: what a browser's WebSocket or EventSource, which can't send a header, puts into its URL
// in place of a token. A ticket says who asked for it, for which path and until when, under a MAC of ours;
// that it is used once is the store's part.
//
//   "t1." base64url( key id (8) | expiry (8, big endian seconds) | nonce (16) | JSON | HMAC-SHA256 (32) )
//
// The JSON holds path, claims and key id of the token. It is readable, as the token itself is, to who holds
// it. The MAC covers a label of its own, so that no MAC that we make for another purpose fits here.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/jose/claim_reader.hpp"
#include "auth/jose/claims.hpp"
#include "auth/jose/key_directory.hpp"
#include "auth/task.hpp"
#include "auth/time.hpp"
#include "gateway/message.hpp"
#include "gateway/replies.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

class Worker;
struct CompiledRoute;

inline constexpr std::chrono::seconds kTicketLife{30};
inline constexpr std::size_t kMaxTicket = 12 * 1024;  // with the rest of the head it must fit head_size
inline constexpr std::size_t kMaxTicketPath = 2048;

using TicketNonce = std::array<unsigned char, 16>;

struct Ticket {
  std::string path;  // normalised
  UnixSeconds expires{};
  TicketNonce nonce{};
  std::shared_ptr<const jose::Claims> claims;  // own: those of the token that asked for it
};

// Empty: it would be longer than kMaxTicket. `keys`: those of refresh tokens, newest first.
std::string write_ticket(const Ticket& ticket, std::span<const jose::MacKey> keys);
// nullopt: not one of ours, for another path, or over.
std::optional<Ticket> read_ticket(std::string_view text, std::string_view path, UnixSeconds now,
                                  const jose::ClaimPlaces& places, std::span<const jose::MacKey> keys);

// May this request carry a ticket: an upgrade, or a GET that wants an event stream?
bool may_carry_ticket(const RequestHead& head);

// `ticket` out of a query. Repeated: `text` is empty, which no ticket is.
struct TakenTicket {
  std::string text;
  std::string query;  // what is left; has_query is false where nothing is
};
std::optional<TakenTicket> take_ticket(std::string_view query);

// Judges a request by its ticket, where it has one and no Authorization; fills claims and query of the
// context. `judged` false: it has none, judge it by its token. Otherwise nullopt: go on.
struct TicketJudgement {
  bool judged = false;
  std::optional<Verdict> verdict;
};
Task<TicketJudgement> judge_ticket(Worker& worker, const RequestHead& head, const CompiledRoute& route,
                                   RequestContext& context);

}  // namespace sallyport::gateway
