// See streams.hpp.
#include "gateway/streams.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::gateway {

std::string_view to_string(StreamEnd end) {
  switch (end) {
    case StreamEnd::expired:
      return "token_expired";
    case StreamEnd::revoked:
      return "token_revoked";
    case StreamEnd::none:
      break;
  }
  return "";
}

std::optional<UnixSeconds> stream_limit(const jose::Claims& claims, config::StreamEnds rule,
                                        UnixSeconds expired,
                                        std::optional<std::chrono::seconds> absolute_ttl) {
  const bool by_session = rule == config::StreamEnds::session && claims.own && !claims.session_id.empty();
  if (!by_session) return expired;
  if (!absolute_ttl) return std::nullopt;
  // No time that a token can name overflows when something is added.
  const UnixSeconds far{std::chrono::seconds(1LL << 53)};
  return std::min(claims.issued_at, far) + *absolute_ttl;
}

OpenStreams::Entry::Entry(OpenStreams& streams, std::shared_ptr<const jose::Claims> claims,
                          std::optional<UnixSeconds> limit, std::function<void(StreamEnd)> told)
    : streams_(streams),
      claims_(std::move(claims)),
      digests_(revocation::digests_of(*claims_)),
      told_(std::move(told)) {
  streams_.streams_.push_back(*this);
  ++streams_.count_;
  if (limit) due_ = streams_.due_.emplace(*limit, this);
}

OpenStreams::Entry::~Entry() {
  if (due_) streams_.due_.erase(*due_);
  --streams_.count_;
}

void OpenStreams::Entry::end(StreamEnd why) {
  if (due_) streams_.due_.erase(*std::exchange(due_, std::nullopt));
  if (ended_ != StreamEnd::none) return;
  ended_ = why;
  told_(why);
}

void OpenStreams::Entry::recheck(const revocation::RevocationSet& index, UnixSeconds now) {
  if (ended_ == StreamEnd::none && index.revokes(*claims_, digests_, now)) end(StreamEnd::revoked);
}

void OpenStreams::tick(UnixSeconds now) {
  while (!due_.empty() && due_.begin()->first <= now) due_.begin()->second->end(StreamEnd::expired);
}

void OpenStreams::recheck(const revocation::RevocationSet& index, UnixSeconds now) {
  for (Entry& entry : streams_) entry.recheck(index, now);
}

}  // namespace sallyport::gateway
