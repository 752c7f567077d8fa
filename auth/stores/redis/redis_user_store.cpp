#include "auth/stores/redis/redis_user_store.hpp"

#include <algorithm>
#include <limits>

#include "auth/stores/redis/numbers.hpp"
#include "auth/stores/redis/user_record.hpp"

namespace sallyport::stores::redis {

using users::folded_name;
using users::User;

namespace {
constexpr std::size_t kLargestPage = 1000;
}

std::string RedisUserStore::encode_read(std::string_view id) const {
  return encode({"HMGET", keys_.user(id), "version", "data"});
}

StoreResult<std::optional<User>> RedisUserStore::parse(std::string_view id, const Reply& fields) const {
  if (!fields.is_array() || fields.elements.size() != 2) return client_->corrupt("a user's record isn't one");
  const auto& f = fields.elements;
  if (f[0].is_nil() && f[1].is_nil()) return std::optional<User>();
  auto user = parse_user(id, f[0].text, f[1].text);
  if (!user) return client_->corrupt("a user's record isn't one");
  return user;
}

Task<StoreResult<bool>> RedisUserStore::write(const Script& script, const User& user) {
  Words keys{keys_.user(user.id)};
  Words arguments{std::to_string(user.version), encode_user(user)};
  auto reply = co_await client_->run(script, std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  co_return reply->integer == 1;
}

Task<StoreResult<bool>> RedisUserStore::name_step(const Script& script, std::string name, std::string id) {
  Words keys{keys_.names(), keys_.ids()};
  Words arguments{std::move(name), std::move(id)};
  auto reply = co_await client_->run(script, std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  co_return reply->integer == 1;
}

Task<StoreResult<std::optional<User>>> RedisUserStore::find_by_name(std::string_view name) {
  const std::string folded = folded_name(name);
  std::string command = encode({"HGET", keys_.ids(), folded});
  auto id = co_await client_->command(keys_.ids(), std::move(command));
  if (!id) co_return id.error();
  if (id->is_nil()) co_return std::optional<User>();
  auto user = co_await find_by_id(id->text);
  // A name that a crash left behind (a rename, a removal) leads to nobody.
  if (user && *user && folded_name((*user)->name) != folded) co_return std::optional<User>();
  co_return user;
}

Task<StoreResult<std::optional<User>>> RedisUserStore::find_by_id(std::string_view id) {
  const std::string wanted(id);
  std::string command = encode_read(wanted);
  auto fields = co_await client_->command(keys_.user(wanted), std::move(command));
  if (!fields) co_return fields.error();
  co_return parse(wanted, *fields);
}

Task<StoreResult<std::vector<User>>> RedisUserStore::find_by_email(std::string_view email) {
  const std::string folded = folded_name(email);
  std::string command = encode({"SMEMBERS", keys_.email(folded)});
  auto ids = co_await client_->command(keys_.email(folded), std::move(command));
  if (!ids) co_return ids.error();
  std::vector<User> found;
  for (const Reply& id : ids->elements) {
    auto user = co_await find_by_id(id.text);
    if (!user) co_return user.error();
    if (*user && folded_name((*user)->email) == folded) found.push_back(std::move(**user));
    if (found.size() == kMostOfAnEmail) break;
  }
  co_return found;
}

// `verb`: SADD or SREM.
Task<StoreResult<void>> RedisUserStore::hint(std::string verb, std::string email, std::string id) {
  if (email.empty()) co_return StoreResult<void>();
  std::string key = keys_.email(folded_name(email));
  std::string command = encode({std::move(verb), key, std::move(id)});
  auto reply = co_await client_->write(std::move(key), std::move(command));
  if (!reply) co_return reply.error();
  co_return StoreResult<void>();
}

Task<StoreResult<bool>> RedisUserStore::add(User user) {
  std::string address = user.email, holder = user.id;
  auto hinted = co_await hint("SADD", std::move(address), std::move(holder));
  if (!hinted) co_return hinted.error();
  auto written = co_await write(add_user(), user);
  if (!written) co_return written;
  if (!*written)
    co_return make_error(StoreError::Kind::refused, client_->store(), "this user id exists already");
  std::string folded = folded_name(user.name);
  std::string id = user.id;
  auto claimed = co_await name_step(claim_name(), std::move(folded), std::move(id));
  if (!claimed || *claimed) co_return claimed;
  std::string command = encode({"DEL", keys_.user(user.id)});
  auto removed = co_await client_->write(keys_.user(user.id), std::move(command));
  if (!removed) co_return removed.error();
  co_return false;
}

Task<StoreResult<bool>> RedisUserStore::update(User user) {
  auto before = co_await find_by_id(user.id);
  if (!before) co_return before.error();
  if (!*before) co_return false;
  std::string was = (*before)->email, becomes = user.email;
  if (folded_name(was) == folded_name(becomes))
    co_return co_await update_record(std::move(user), std::move(**before));
  std::string holder = user.id, former = user.id;
  auto hinted = co_await hint("SADD", std::move(becomes), std::move(holder));
  if (!hinted) co_return hinted.error();
  auto written = co_await update_record(std::move(user), std::move(**before));
  if (!written || !*written) co_return written;
  auto dropped = co_await hint("SREM", std::move(was), std::move(former));
  if (!dropped) co_return dropped.error();
  co_return written;
}

Task<StoreResult<bool>> RedisUserStore::update_record(User user, User before) {
  std::string was = folded_name(before.name);
  std::string becomes = folded_name(user.name);
  if (was == becomes) co_return co_await write(update_user(), user);

  std::string claim = becomes;
  std::string claimer = user.id, releaser = user.id;
  auto claimed = co_await name_step(claim_name(), std::move(claim), std::move(claimer));
  if (!claimed || !*claimed) co_return claimed;
  auto written = co_await write(update_user(), user);
  if (!written) co_return written;  // unknown: both names stay claimed, and the record says which one counts
  std::string unused = *written ? std::move(was) : std::move(becomes);
  auto released = co_await name_step(release_name(), std::move(unused), std::move(releaser));
  if (!released) co_return released;
  co_return written;
}

Task<StoreResult<bool>> RedisUserStore::remove(std::string_view id) {
  const std::string wanted(id);
  auto user = co_await find_by_id(wanted);
  if (!user) co_return user.error();
  if (!*user) co_return false;
  std::string folded = folded_name((*user)->name);
  std::string holder = wanted;
  auto released = co_await name_step(release_name(), std::move(folded), std::move(holder));
  if (!released) co_return released;
  std::string command = encode({"DEL", keys_.user(wanted)});
  auto removed = co_await client_->write(keys_.user(wanted), std::move(command));
  if (!removed) co_return removed.error();
  std::string address = (*user)->email, former = wanted;
  auto dropped = co_await hint("SREM", std::move(address), std::move(former));
  if (!dropped) co_return dropped.error();
  co_return removed->integer == 1;
}

// In the order of names; the cursor is the last name of the page before.
Task<StoreResult<users::UserStore::Page>> RedisUserStore::list(std::string cursor, std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kLargestPage);
  Words keys{keys_.names(), keys_.ids()};
  Words arguments{std::move(cursor),
                  std::to_string(limit + 1)};  // one more tells whether there is a next page
  auto found = co_await client_->run(list_names(), std::move(keys), std::move(arguments));
  if (!found) co_return found.error();
  const auto& words = found->elements;
  const std::size_t count = std::min(words.size() / 2, limit);
  std::vector<Client::Keyed> reads;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& id = words[i * 2 + 1].text;
    reads.push_back({keys_.user(id), encode_read(id)});
  }
  auto records = co_await client_->each(std::move(reads));
  if (!records) co_return records.error();
  Page page;
  for (std::size_t i = 0; i < count; ++i) {
    auto user = parse(words[i * 2 + 1].text, (*records)[i]);
    if (!user) co_return user.error();
    if (*user && folded_name((*user)->name) == words[i * 2].text) page.users.push_back(std::move(**user));
  }
  if (words.size() / 2 > limit) page.next = words[(limit - 1) * 2].text;
  co_return page;
}

Task<StoreResult<unsigned>> RedisAttemptStore::add(std::string key, std::chrono::seconds window) {
  Words keys{keys_.attempts(key)};
  const std::chrono::milliseconds length = std::max(window, std::chrono::seconds{1});
  Words arguments{std::to_string(length.count())};
  auto reply = co_await client_->run(count_attempt(), std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  co_return static_cast<unsigned>(
      std::clamp<long long>(reply->integer, 0, std::numeric_limits<unsigned>::max()));
}

Task<StoreResult<unsigned>> RedisAttemptStore::count(std::string key) {
  std::string command = encode({"GET", keys_.attempts(key)});
  auto reply = co_await client_->command(keys_.attempts(key), std::move(command));
  if (!reply) co_return reply.error();
  if (reply->is_nil()) co_return 0u;
  const auto count = number_of<unsigned>(*reply);
  if (!count) co_return client_->corrupt("a counter of failed logins is no number");
  co_return *count;
}

Task<StoreResult<void>> RedisAttemptStore::clear(std::string key) {
  std::string command = encode({"DEL", keys_.attempts(key)});
  auto reply = co_await client_->command(keys_.attempts(key), std::move(command));
  if (!reply) co_return reply.error();
  co_return StoreResult<void>();
}

}  // namespace sallyport::stores::redis
