#include "auth/stores/redis/redis_session_store.hpp"

#include <algorithm>

#include "auth/stores/redis/numbers.hpp"
#include "auth/stores/redis/session_record.hpp"

namespace sallyport::stores::redis {

using sessions::Created;
using sessions::EndCause;
using sessions::EndedAll;
using sessions::Found;
using sessions::Listed;
using sessions::Session;
using sessions::SessionId;

namespace {

// A record stays a day after its session is over; then "unknown" and "expired" are the same to everybody.
constexpr std::chrono::milliseconds kKeep = std::chrono::hours(24);

// How often we ask again with the sessions that appeared since the last time, and never longer than the
// store's timeout. In each round one of those who compete gets through, so this holds as many logins of one
// user at the same moment.
constexpr int kRounds = 64;

std::string millis(std::chrono::milliseconds d) { return std::to_string(d.count()); }
std::string millis(UnixMillis t) { return std::to_string(t.time_since_epoch().count()); }

Keys::Tag tag_of_user(std::string_view user_id) { return sessions::user_tag(user_id); }

// Whatever the index holds that is no session id gets a key that no session has.
std::optional<SessionId> parse_member(const Reply& member) {
  return member.is_string() ? SessionId::parse(member.text) : std::nullopt;
}

}  // namespace

// The script says which sessions the index names beside those that it was given; with them it is asked again.
Task<StoreResult<Reply>> RedisSessionStore::run_knowing_sessions(const Script& script, Words keys,
                                                                 Words arguments) {
  Words all_keys = keys;
  Words all_arguments = arguments;
  const auto give_up = std::chrono::steady_clock::now() + client_->timeout();
  for (int round = 0; round < kRounds && std::chrono::steady_clock::now() < give_up; ++round) {
    auto reply = co_await client_->run(script, std::move(all_keys), std::move(all_arguments));
    if (!reply) co_return reply;
    if (!reply->is_array() || reply->elements.empty())
      co_return client_->corrupt("a script's answer has no sense");
    if (reply->elements[0].text != "more") co_return reply;
    all_keys = keys;
    all_arguments = arguments;
    for (std::size_t i = 1; i < reply->elements.size(); ++i) {
      const auto id = parse_member(reply->elements[i]);
      if (!id) co_return client_->corrupt("a user's index of sessions holds something else");
      all_keys.push_back(keys_.session(*id));
      all_arguments.push_back(id->text());
    }
  }
  co_return make_error(StoreError::Kind::refused, client_->store(),
                       "the sessions of this user change too fast");
}

Task<StoreResult<bool>> RedisSessionStore::is_done(const Script& script, Words keys, Words arguments) {
  auto reply = co_await client_->run(script, std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  co_return reply->integer == 1;
}

Task<StoreResult<Created>> RedisSessionStore::create(Session session, unsigned max,
                                                     config::WhenFull when_full) {
  const auto tag = Keys::tag_of(session.id);
  Words keys{keys_.session_index(tag), keys_.epoch(tag), keys_.session(session.id)};
  Words arguments{session.id.text(),
                  session.user_id,
                  session.device,
                  session.ip,
                  session.user_agent,
                  std::to_string(max),
                  when_full == config::WhenFull::refuse ? "refuse" : "evict",
                  millis(rules_.idle_ttl),
                  millis(rules_.absolute_ttl),
                  millis(kKeep),
                  std::to_string(session.global_epoch)};
  auto reply = co_await run_knowing_sessions(redis::create_session(), std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  Created created;
  const auto& words = reply->elements;
  if (words[0].text == "refused") {
    created.refused = true;
    created.session = std::move(session);
    co_return created;
  }
  if (words[0].text != "created" || words.size() < 3)
    co_return client_->corrupt("a script's answer has no sense");
  const auto now = number_of<std::int64_t>(words[1]);
  const auto epoch = number_of<std::uint64_t>(words[2]);
  if (!now || !epoch) co_return client_->corrupt("the epoch of a user is no number");
  session.created = session.last_used = session.rotated = UnixMillis(std::chrono::milliseconds(*now));
  session.generation = session.confirmed = 0;
  session.user_epoch = *epoch;
  session.version = 0;
  session.state = sessions::SessionState::live;
  session.cause = EndCause::none;
  created.session = std::move(session);
  for (std::size_t i = 3; i < words.size(); ++i)
    if (const auto id = parse_member(words[i])) created.evicted.push_back(*id);
  co_return created;
}

// One round trip. The epoch is read after the session: at worst a session looks ended a moment early.
Task<StoreResult<Found>> RedisSessionStore::load(SessionId id) {
  std::vector<std::string> commands{encode({"TIME"}), encode_session_read(keys_.session(id)),
                                    encode({"GET", keys_.epoch(Keys::tag_of(id))})};
  auto replies = co_await client_->settled_group(keys_.session(id), std::move(commands));
  if (!replies) co_return replies.error();
  const auto now = millis_of_time((*replies)[0]);
  if (!now) co_return client_->corrupt("TIME gives no time");
  auto read = read_session(id, (*replies)[1]);
  if (read.junk) co_return client_->corrupt("a session's record isn't one");
  Found found;
  found.now = UnixMillis(std::chrono::milliseconds(*now));
  found.session = std::move(read.session);
  const Reply& epoch = (*replies)[2];
  if (!epoch.is_nil()) {
    const auto number = number_of<std::uint64_t>(epoch);
    if (!number) co_return client_->corrupt("the epoch of a user is no number");
    found.user_epoch = *number;
  }
  co_return found;
}

Task<StoreResult<bool>> RedisSessionStore::compare_and_swap(Session next) {
  Words keys{keys_.session_index(Keys::tag_of(next.id)), keys_.session(next.id)};
  Words arguments{next.id.text(),
                  std::to_string(next.version),
                  std::move(next.device),
                  std::move(next.ip),
                  std::move(next.user_agent),
                  millis(next.last_used),
                  millis(next.rotated),
                  std::to_string(next.generation),
                  std::to_string(next.confirmed),
                  std::string(state_name(next.state)),
                  std::string(to_string(next.cause)),
                  millis(rules_.idle_ttl),
                  millis(rules_.absolute_ttl),
                  millis(kKeep)};
  return is_done(redis::swap_session(), std::move(keys), std::move(arguments));
}

Task<StoreResult<void>> RedisSessionStore::confirm(SessionId id, std::uint32_t generation) {
  Words keys{keys_.session(id)};
  Words arguments{std::to_string(generation)};
  auto reply = co_await client_->run(redis::confirm_session(), std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  co_return StoreResult<void>();
}

Task<StoreResult<Listed>> RedisSessionStore::list(std::string_view user_id) {
  const std::string user(user_id);
  const auto tag = tag_of_user(user);
  std::vector<std::string> first{encode({"TIME"}), encode({"ZRANGE", keys_.session_index(tag), "0", "-1"}),
                                 encode({"GET", keys_.epoch(tag)})};
  auto head = co_await client_->group(keys_.epoch(tag), std::move(first));
  if (!head) co_return head.error();
  const auto millis_now = millis_of_time((*head)[0]);
  if (!millis_now) co_return client_->corrupt("TIME gives no time");
  const UnixMillis now{std::chrono::milliseconds(*millis_now)};
  std::uint64_t epoch = 0;
  if (const Reply& reply = (*head)[2]; !reply.is_nil()) {
    const auto number = number_of<std::uint64_t>(reply);
    if (!number) co_return client_->corrupt("the epoch of a user is no number");
    epoch = *number;
  }

  std::vector<SessionId> ids;
  std::vector<std::string> reads;
  for (const Reply& member : (*head)[1].elements) {
    const auto id = parse_member(member);
    if (!id) co_return client_->corrupt("a user's index of sessions holds something else");
    ids.push_back(*id);
    reads.push_back(encode_session_read(keys_.session(*id)));
  }
  auto records = co_await client_->group(keys_.epoch(tag), std::move(reads));
  if (!records) co_return records.error();

  Listed listed;
  listed.now = now;
  auto& live = listed.sessions;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto read = read_session(ids[i], (*records)[i]);
    if (read.junk) co_return client_->corrupt("a session's record isn't one");
    if (!read.session) continue;
    const Session& session = *read.session;
    const auto over = limits_of(session, rules_).first();
    if (session.user_id == user && session.state == sessions::SessionState::live &&
        session.user_epoch >= epoch && (!over || now < *over))
      live.push_back(std::move(*read.session));
  }
  std::sort(live.begin(), live.end(), [](const Session& a, const Session& b) {
    return a.created != b.created ? a.created > b.created : a.id > b.id;
  });
  co_return listed;
}

Task<StoreResult<bool>> RedisSessionStore::end(std::string_view user_id, SessionId id, EndCause cause) {
  Words keys{keys_.session_index(Keys::tag_of(id)), keys_.session(id)};
  Words arguments{id.text(), std::string(user_id), std::string(to_string(cause))};
  return is_done(redis::end_session(), std::move(keys), std::move(arguments));
}

Task<StoreResult<EndedAll>> RedisSessionStore::end_all(std::string_view user_id,
                                                       std::optional<SessionId> except, EndCause cause) {
  const auto tag = tag_of_user(user_id);
  Words keys{keys_.session_index(tag), keys_.epoch(tag)};
  Words arguments{std::string(user_id), except ? except->text() : std::string(),
                  std::string(to_string(cause))};
  auto reply = co_await run_knowing_sessions(redis::end_sessions(), std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  const auto& words = reply->elements;
  const auto now = words.size() > 1 ? number_of<std::int64_t>(words[1]) : std::nullopt;
  if (!now) co_return client_->corrupt("a script's answer has no sense");
  EndedAll all;
  all.now = UnixMillis(std::chrono::milliseconds(*now));
  for (std::size_t i = 2; i < words.size(); ++i)
    if (const auto id = parse_member(words[i])) all.ended.push_back(*id);
  co_return all;
}

}  // namespace sallyport::stores::redis
