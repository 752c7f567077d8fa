// In-memory stores for unit tests, with the atomicity that the interfaces promise, a clock that the test
// sets, and a fault at any step: before the effect, or after it with the answer lost.
#pragma once

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "auth/revocation/revocation_set.hpp"
#include "auth/revocation/revoker.hpp"
#include "auth/sessions/session_store.hpp"
#include "auth/users/user_store.hpp"

namespace sallyport::test {

// Runs a coroutine to its end on a loop of its own.
template <typename T>
T run(Task<T> task) {
  net::io_context loop;
  std::optional<T> out;
  std::exception_ptr thrown;
  spawn(loop, std::move(task), [&](std::exception_ptr error, T value) {
    thrown = error;
    if (!error) out.emplace(std::move(value));
  });
  loop.run();
  if (thrown) std::rethrow_exception(thrown);
  if (!out) throw std::logic_error("the coroutine never ended");
  return std::move(*out);
}

// The value of a result that a test relies on.
template <typename T, typename E>
T must(boost::system::result<T, E> result) {
  if (!result) throw std::logic_error("a step that the test relies on failed");
  return *std::move(result);
}

// Counts every call on the stores and lets one of them fail.
struct Faults {
  enum class How {
    refused,
    not_sent,
    reply_lost
  };  // reply_lost: done, but the caller learns of a timeout only
  int step = 0;
  int fail_at = 0;  // the n-th call from now; 0: none
  How how = How::refused;

  void arm(int at, How with) { step = 0, fail_at = at, how = with; }
  void disarm() { fail_at = 0; }

  // What this call has to answer: nothing special, or an error before (`skip`) or after its effect.
  struct Verdict {
    std::optional<StoreError> error;
    bool skip = false;
  };
  Verdict next() {
    if (++step != fail_at) return {};
    switch (how) {
      case How::refused:
        return {StoreError{StoreError::Kind::refused, "OOM"}, true};
      case How::not_sent:
        return {StoreError{StoreError::Kind::unreachable, "connection refused"}, true};
      case How::reply_lost:
        return {StoreError{StoreError::Kind::timeout, "no answer"}, false};
    }
    return {};
  }
};

class FakeSessionStore : public sessions::SessionStore {
 public:
  explicit FakeSessionStore(Faults& faults) : faults_(faults) {}

  UnixMillis now{std::chrono::seconds(1'800'000'000)};
  std::map<sessions::SessionId, sessions::Session> records;
  std::map<std::string, std::uint64_t, std::less<>> epochs;
  std::function<void()> before_swap;  // what somebody else does in between
  std::function<void()> before_end_all;

  Task<StoreResult<sessions::Created>> create(sessions::Session session, unsigned max,
                                              config::WhenFull when_full) override {
    const auto fault = faults_.next();
    if (fault.skip) co_return *fault.error;
    sessions::Created created;
    auto live = live_of(session.user_id);
    if (max > 0 && live.size() >= max) {
      if (when_full == config::WhenFull::refuse) {
        created.refused = true;
        co_return created;
      }
      for (std::size_t i = max - 1; i < live.size(); ++i) {
        finish(records.at(live[i]), sessions::EndCause::evicted);
        created.evicted.push_back(live[i]);
      }
    }
    session.created = session.last_used = session.rotated = now;
    session.user_epoch = epochs[session.user_id];
    session.version = 1;
    records[session.id] = session;
    created.session = session;
    if (fault.error) co_return *fault.error;
    co_return created;
  }

  Task<StoreResult<sessions::Found>> load(sessions::SessionId id) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    sessions::Found found;
    found.now = now;
    if (const auto it = records.find(id); it != records.end()) {
      found.session = it->second;
      found.user_epoch = epochs[it->second.user_id];
    }
    co_return found;
  }

  Task<StoreResult<bool>> compare_and_swap(sessions::Session next) override {
    if (before_swap) std::exchange(before_swap, nullptr)();
    const auto fault = faults_.next();
    if (fault.skip) co_return *fault.error;
    const auto it = records.find(next.id);
    const bool fits = it != records.end() && it->second.version == next.version;
    if (fits) {
      next.confirmed = std::max(next.confirmed, it->second.confirmed);
      ++next.version;
      it->second = next;
      ++swaps;
    }
    if (fault.error) co_return *fault.error;
    co_return fits;
  }
  int swaps = 0;

  Task<StoreResult<void>> confirm(sessions::SessionId id, std::uint32_t generation) override {
    const auto fault = faults_.next();
    if (fault.skip) co_return *fault.error;
    if (const auto it = records.find(id); it != records.end())
      it->second.confirmed = std::max(it->second.confirmed, generation);
    if (fault.error) co_return *fault.error;
    co_return StoreResult<void>{};
  }

  Task<StoreResult<sessions::Listed>> list(std::string_view user_id) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    sessions::Listed listed;
    listed.now = now;
    for (const auto& id : live_of(user_id)) listed.sessions.push_back(records.at(id));
    co_return listed;
  }

  Task<StoreResult<bool>> end(std::string_view user_id, sessions::SessionId id,
                              sessions::EndCause cause) override {
    const auto fault = faults_.next();
    if (fault.skip) co_return *fault.error;
    const auto it = records.find(id);
    const bool known = it != records.end() && it->second.user_id == user_id;
    if (known && it->second.state == sessions::SessionState::live) finish(it->second, cause);
    if (fault.error) co_return *fault.error;
    co_return known;
  }

  Task<StoreResult<sessions::EndedAll>> end_all(std::string_view user_id,
                                                std::optional<sessions::SessionId> except,
                                                sessions::EndCause cause) override {
    if (before_end_all) std::exchange(before_end_all, nullptr)();
    const auto fault = faults_.next();
    if (fault.skip) co_return *fault.error;
    sessions::EndedAll ended;
    ended.now = now;
    const std::uint64_t epoch = ++epochs[std::string(user_id)];
    for (const auto& id : live_of(user_id)) {
      sessions::Session& session = records.at(id);
      if (id == except) {
        session.user_epoch = epoch;
        continue;
      }
      finish(session, cause);
      ended.ended.push_back(id);
    }
    if (fault.error) co_return *fault.error;
    co_return ended;
  }

  // Newest first, as create() made them.
  std::vector<sessions::SessionId> live_of(std::string_view user_id) const {
    std::vector<sessions::SessionId> ids;
    for (const auto& [id, session] : records)
      if (session.user_id == user_id && session.state == sessions::SessionState::live) ids.push_back(id);
    std::stable_sort(ids.begin(), ids.end(), [this](const auto& a, const auto& b) {
      return records.at(a).created > records.at(b).created;
    });
    return ids;
  }

 private:
  static void finish(sessions::Session& session, sessions::EndCause cause) {
    session.state = sessions::SessionState::ended;
    session.cause = cause;
    ++session.version;
  }
  Faults& faults_;
};

class FakeUserStore : public users::UserStore {
 public:
  explicit FakeUserStore(Faults& faults) : faults_(faults) {}
  std::map<std::string, users::User, std::less<>> users;  // by id

  Task<StoreResult<std::optional<users::User>>> find_by_name(std::string_view name) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    for (const auto& [id, user] : users)
      if (user.name == name) co_return std::optional(user);
    co_return std::optional<users::User>{};
  }
  Task<StoreResult<std::optional<users::User>>> find_by_id(std::string_view id) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    const auto it = users.find(id);
    co_return it == users.end() ? std::optional<users::User>{} : std::optional(it->second);
  }
  Task<StoreResult<bool>> add(users::User user) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    const std::string id = user.id;
    co_return users.emplace(id, std::move(user)).second;
  }
  Task<StoreResult<bool>> update(users::User user) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    const auto it = users.find(user.id);
    if (it == users.end() || it->second.version != user.version) co_return false;
    ++user.version;
    it->second = std::move(user);
    co_return true;
  }
  Task<StoreResult<bool>> remove(std::string_view id) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    co_return users.erase(std::string(id)) > 0;
  }
  Task<StoreResult<Page>> list(std::string, std::size_t) override {
    const auto fault = faults_.next();
    if (fault.error) co_return *fault.error;
    Page page;
    for (const auto& [id, user] : users) page.users.push_back(user);
    co_return page;
  }

 private:
  Faults& faults_;
};

// Log and index of a process with one worker.
class FakeRevoker : public revocation::Revoker {
 public:
  explicit FakeRevoker(Faults& faults) : faults_(faults) {}
  std::vector<revocation::Event> events;
  std::shared_ptr<const revocation::RevocationSet> index = revocation::RevocationSet::empty();

  std::function<void()> before_revoke;  // what somebody else does in between

  Task<StoreResult<void>> revoke(std::vector<revocation::Event> fresh) override {
    if (before_revoke) std::exchange(before_revoke, nullptr)();
    const auto fault = faults_.next();
    if (fault.skip) co_return *fault.error;
    index = index->with(fresh);
    events.insert(events.end(), fresh.begin(), fresh.end());
    if (fault.error) co_return *fault.error;
    co_return StoreResult<void>{};
  }

 private:
  Faults& faults_;
};

}  // namespace sallyport::test
