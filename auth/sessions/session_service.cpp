// Opens and refreshes. What ends sessions is in session_endings.cpp.
#include "auth/sessions/session_service.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/sessions/access_claims.hpp"

namespace sallyport::sessions {
namespace {

using std::chrono::seconds;
using Refreshed = boost::system::result<TokenPair, RefreshError>;

constexpr int kTries = 4;  // of a swap that somebody else won or whose outcome is unknown
constexpr std::size_t kMaxDevice = 128, kMaxIp = 64, kMaxUserAgent = 256;

Refreshed refused(RefreshFailure failure) { return RefreshError{failure, {}}; }
Refreshed unavailable(StoreError error) {
  return RefreshError{RefreshFailure::store_unavailable, std::move(error)};
}

// The outcomes that are an answer by themselves: nothing to write, nothing to issue.
std::optional<RefreshFailure> refusal(Outcome outcome) {
  switch (outcome) {
    case Outcome::superseded:
      return RefreshFailure::superseded;
    case Outcome::idle:
      return RefreshFailure::idle;
    case Outcome::expired:
      return RefreshFailure::expired;
    case Outcome::ended:
      return RefreshFailure::revoked;
    case Outcome::rotated:
    case Outcome::reissued:
    case Outcome::kept:
    case Outcome::reused:
    case Outcome::grace_over:
      return std::nullopt;
  }
  return RefreshFailure::invalid;
}

bool ends(Outcome outcome) { return outcome == Outcome::reused || outcome == Outcome::grace_over; }

Audit::Act act_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::reissued:
      return Audit::Act::reissued;
    case Outcome::kept:
      return Audit::Act::kept;
    case Outcome::superseded:
      return Audit::Act::superseded;
    case Outcome::reused:
    case Outcome::grace_over:
      return Audit::Act::reused;
    default:
      return Audit::Act::refreshed;
  }
}

// Is what stands in the store the very record that a swap of unknown outcome wrote?
bool landed(const Session& written, const Session& stored) {
  return stored.version == written.version + 1 && stored.generation == written.generation &&
         stored.rotated == written.rotated && stored.last_used == written.last_used &&
         stored.state == written.state && stored.cause == written.cause;
}

Audit audit_of(const Rotation& rotation, const Session& session, std::uint32_t presented) {
  return {.act = act_of(rotation.outcome),
          .user_id = session.user_id,
          .session_id = session.id.text(),
          .generation = rotation.generation,
          .presented = presented,
          .cause = rotation.next.cause};
}

}  // namespace

SessionService::SessionService(Parts parts, const config::Tokens& tokens)
    : parts_(std::move(parts)), tokens_(tokens) {
  if (!parts_.owed) parts_.owed = std::make_shared<std::vector<revocation::Event>>();
}

Task<boost::system::result<TokenPair, OpenError>> SessionService::open(users::User user, Client client) {
  const UnixSeconds issued_at = parts_.clock();
  Session session;
  const auto tag = user_tag(user.id);
  std::copy(tag.begin(), tag.end(), session.id.bytes.begin());
  parts_.random(std::span(session.id.bytes).subspan(tag.size()));
  session.user_id = user.id;
  session.device = clean_text(client.device, kMaxDevice);
  session.ip = clean_text(client.ip, kMaxIp);
  session.user_agent = clean_text(client.user_agent, kMaxUserAgent);
  session.global_epoch = epoch().epoch;
  const SessionId id = session.id;
  const std::string client_id = std::move(client.client_id);

  const config::Refresh rules = tokens_.refresh;
  auto created =
      co_await parts_.sessions.create(std::move(session), rules.max_sessions_per_user, rules.when_full);
  if (!created) co_return OpenError{OpenFailure::store_unavailable, created.error()};
  if (created->refused) co_return OpenError{OpenFailure::sessions_full, {}};

  std::vector<revocation::Event> events;
  for (const SessionId& evicted : created->evicted)
    events.push_back(event_of(evicted, EndCause::evicted, created->session.created));
  const std::vector<revocation::Event> announced = events;
  const auto revoked = co_await revoke(std::move(events));
  if (!revoked) {
    // Nobody will hold the new session, so it shouldn't count either. If this fails too, it is the oldest one
    // day.
    parts_.owed->insert(parts_.owed->end(), announced.begin(), announced.end());
    (void)co_await parts_.sessions.end(user.id, id, EndCause::evicted);
    co_return OpenError{OpenFailure::store_unavailable, revoked.error()};
  }
  for (const SessionId& evicted : created->evicted)
    tell({.act = Audit::Act::ended,
          .user_id = user.id,
          .session_id = evicted.text(),
          .cause = EndCause::evicted});

  const Session& stored = created->session;
  const seconds life = life_of(stored, stored.created).value_or(seconds(1));
  TokenPair pair =
      issue({stored, stored.created, issued_at, life, stored.global_epoch, client_id}, std::move(user));
  tell({.act = Audit::Act::opened, .user_id = stored.user_id, .session_id = pair.session_id});
  co_return pair;
}

Task<Refreshed> SessionService::refresh(std::string refresh_token, std::shared_ptr<const jose::Claims> access,
                                        Client client) {
  const auto claim = parts_.refresh_tokens.read(refresh_token, client.client_id);
  if (!claim) co_return refused(RefreshFailure::invalid);
  if (access && (!access->own || access->session_id != claim->session.text()))
    co_return refused(RefreshFailure::invalid);

  client.ip = clean_text(client.ip, kMaxIp);
  client.user_agent = clean_text(client.user_agent, kMaxUserAgent);

  std::optional<Rotation> unsure;  // what a swap of unknown outcome may have written
  std::optional<users::User> user;
  StoreError last{StoreError::Kind::overloaded, "the session is being changed by others all the time"};
  for (int attempt = 0; attempt < kTries; ++attempt) {
    // Before the session is read: an ending that we don't see here comes later than this, and its event
    // reaches further.
    const UnixSeconds issued_at = parts_.clock();
    auto found = co_await parts_.sessions.load(claim->session);
    if (!found) co_return unavailable(found.error());
    if (!found->session) co_return refused(RefreshFailure::invalid);
    const Session& session = *found->session;
    const GlobalEpoch all = epoch();
    if (all.ends(session)) co_return refused(RefreshFailure::revoked);

    // A store that came back without its last writes may show it alive. What was acknowledged stays so.
    if (session.state == SessionState::live && parts_.revoked && parts_.revoked(session.id.text())) {
      const auto ended = co_await parts_.sessions.end(session.user_id, session.id, EndCause::none);
      if (!ended) co_return unavailable(ended.error());
      co_return refused(RefreshFailure::revoked);
    }

    const bool written = unsure && landed(unsure->next, session);
    Rotation rotation =
        written ? *unsure
                : rotate(session, claim->generation, found->now, tokens_.refresh, found->user_epoch);
    if (const auto failure = refusal(rotation.outcome)) {
      if (rotation.outcome == Outcome::superseded) tell(audit_of(rotation, session, claim->generation));
      co_return refused(*failure);
    }

    if (ends(rotation.outcome)) {
      // Whatever becomes of the record meanwhile: two parties hold this session, and its tokens are revoked.
      const EndCause cause = rotation.next.cause;
      std::vector<revocation::Event> events{event_of(session.id, cause, found->now)};
      const auto revoked = co_await revoke(std::move(events));
      if (!revoked) co_return unavailable(revoked.error());
      const auto ended = co_await parts_.sessions.end(session.user_id, session.id, cause);
      if (!ended) co_return unavailable(ended.error());
      tell(audit_of(rotation, session, claim->generation));
      co_return refused(RefreshFailure::reused);
    }

    if (!user) {
      auto account = co_await parts_.users.find_by_id(session.user_id);
      if (!account) co_return unavailable(account.error());
      if (!*account || (*account)->disabled) co_return refused(RefreshFailure::account_disabled);
      user = std::move(**account);
    }
    const std::optional<seconds> life = life_of(rotation.next, found->now);
    if (!life) co_return refused(RefreshFailure::expired);

    if (!written && rotation.outcome != Outcome::reissued) {
      if (!client.ip.empty()) rotation.next.ip = client.ip;
      if (!client.user_agent.empty()) rotation.next.user_agent = client.user_agent;
      Session next = rotation.next;
      const auto swapped = co_await parts_.sessions.compare_and_swap(std::move(next));
      if (!swapped) {
        last = swapped.error();
        if (!last.outcome_unknown()) co_return unavailable(last);
        unsure = rotation;
        continue;
      }
      if (!*swapped) continue;
    }

    tell(audit_of(rotation, session, claim->generation));
    co_return issue({rotation.next, found->now, issued_at, *life, all.epoch, client.client_id},
                    std::move(*user));
  }
  co_return unavailable(last);
}

std::optional<seconds> SessionService::life_of(const Session& session, UnixMillis store_now) const {
  const auto end = limits_of(session, tokens_.refresh).first();
  if (!end) return tokens_.access_ttl;
  const auto left = std::chrono::floor<seconds>(*end - store_now);
  if (left < seconds(1)) return std::nullopt;
  return std::min(left, tokens_.access_ttl);
}

TokenPair SessionService::issue(const Grant& grant, users::User user) {
  const Session& session = grant.session;
  std::array<unsigned char, 16> token_id;
  parts_.random(token_id);

  jose::AccessToken token;
  token.issuer = tokens_.issuer;
  token.audience = tokens_.audience;
  token.subject = session.user_id;
  token.token_id = jose::base64url_encode({reinterpret_cast<const char*>(token_id.data()), token_id.size()});
  token.session_id = session.id.text();
  token.generation = session.generation;
  token.epoch = grant.epoch;
  token.issued_at = grant.issued_at;
  token.expires = grant.issued_at + grant.life;
  token.extra = access_claims(user, tokens_.claims);
  if (!grant.client_id.empty()) token.extra["client_id"] = grant.client_id;  // RFC 9068 section 2.2

  TokenPair pair;
  pair.access_token = parts_.issuer.issue(token);
  pair.expires_in = grant.life;
  pair.expires_at = token.expires;
  pair.refresh_token = parts_.refresh_tokens.write({session.id, session.generation}, grant.client_id);
  if (const auto end = limits_of(session, tokens_.refresh).first())
    pair.refresh_expires_in = std::chrono::floor<seconds>(*end - grant.store_now);
  pair.session_id = std::move(token.session_id);
  pair.generation = session.generation;
  pair.user = std::move(user);
  pair.user.password_hash.clear();
  return pair;
}

std::string_view to_string(RefreshFailure failure) {
  switch (failure) {
    case RefreshFailure::invalid:
      return "refresh_invalid";
    case RefreshFailure::expired:
      return "refresh_expired";
    case RefreshFailure::idle:
      return "session_idle";
    case RefreshFailure::reused:
      return "refresh_reused";
    case RefreshFailure::revoked:
      return "session_revoked";
    case RefreshFailure::account_disabled:
      return "account_disabled";
    case RefreshFailure::superseded:
      return "refresh_superseded";
    case RefreshFailure::store_unavailable:
      return "store_unavailable";
  }
  return "refresh_invalid";
}

std::string_view to_string(Audit::Act act) {
  switch (act) {
    case Audit::Act::opened:
      return "session_opened";
    case Audit::Act::refreshed:
      return "refreshed";
    case Audit::Act::reissued:
      return "refresh_reissued";
    case Audit::Act::kept:
      return "refresh_kept";
    case Audit::Act::superseded:
      return "refresh_superseded";
    case Audit::Act::reused:
      return "refresh_reused";
    case Audit::Act::ended:
      return "session_ended";
    case Audit::Act::ended_all:
      return "sessions_ended";
  }
  return "unknown";
}

}  // namespace sallyport::sessions
