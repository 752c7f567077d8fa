#include "auth/stores/sqlite/sqlite_backend.hpp"

#include "auth/stores/sqlite/call.hpp"
#include "auth/stores/sqlite/schema.hpp"

namespace sallyport::stores {
namespace {

using sqlite::call;
using sqlite::Client;
using sqlite::Tables;
using Mode = sqlite::Job::Mode;

// Nobody waits for it.
class UseLifetimes final : public sqlite::Job {
 public:
  explicit UseLifetimes(const config::Refresh& rules) : Job(Mode::read, SteadyTime::max()), rules_(rules) {}
  void run(Tables& tables) override { tables.sessions.use(rules_); }
  void fail(StoreError) override {}
  void deliver() override {}

 private:
  config::Refresh rules_;
};

// The functions below are no coroutines: they copy their arguments into the job before anything suspends.
class Sessions final : public sessions::SessionStore {
 public:
  explicit Sessions(Client client) : client_(std::move(client)) {}

  // Not taken where the queue is full of work: then records keep the lifetimes of before, until the next
  // change.
  void use(const config::Refresh& rules) override {
    (void)client_.thread->submit(std::make_shared<UseLifetimes>(rules));
  }

  Task<StoreResult<sessions::Created>> create(sessions::Session session, unsigned max,
                                              config::WhenFull when_full) override {
    return call<sessions::Created>(client_, Mode::write,
                                   [session = std::move(session), max, when_full](Tables& tables) {
                                     return tables.sessions.create(session, max, when_full, tables.now);
                                   });
  }

  Task<StoreResult<sessions::Found>> load(sessions::SessionId id) override {
    return call<sessions::Found>(client_, Mode::read,
                                 [id](Tables& tables) { return tables.sessions.load(id, tables.now); });
  }

  Task<StoreResult<bool>> compare_and_swap(sessions::Session next) override {
    return call<bool>(client_, Mode::write, [next = std::move(next)](Tables& tables) {
      return tables.sessions.compare_and_swap(next, tables.now);
    });
  }

  Task<StoreResult<void>> confirm(sessions::SessionId id, std::uint32_t generation) override {
    return call<void>(client_, Mode::write,
                      [id, generation](Tables& tables) { tables.sessions.confirm(id, generation); });
  }

  Task<StoreResult<sessions::Listed>> list(std::string_view user_id) override {
    return call<sessions::Listed>(client_, Mode::read, [user = std::string(user_id)](Tables& tables) {
      return tables.sessions.list(user, tables.now);
    });
  }

  Task<StoreResult<bool>> end(std::string_view user_id, sessions::SessionId id,
                              sessions::EndCause cause) override {
    return call<bool>(client_, Mode::write, [user = std::string(user_id), id, cause](Tables& tables) {
      return tables.sessions.end(user, id, cause, tables.now);
    });
  }

  Task<StoreResult<sessions::EndedAll>> end_all(std::string_view user_id,
                                                std::optional<sessions::SessionId> except,
                                                sessions::EndCause cause) override {
    return call<sessions::EndedAll>(client_, Mode::write,
                                    [user = std::string(user_id), except, cause](Tables& tables) {
                                      return tables.sessions.end_all(user, except, cause, tables.now);
                                    });
  }

 private:
  Client client_;
};

class Log final : public revocation::RevocationLog {
 public:
  explicit Log(Client client) : client_(std::move(client)) {}

  Task<StoreResult<void>> append(std::vector<revocation::Event> events) override {
    return call<void>(client_, Mode::write, [events = std::move(events)](Tables& tables) {
      tables.log.append(events);
      tables.log_grew = true;
    });
  }

  Task<StoreResult<revocation::Batch>> read(std::string from, std::size_t limit,
                                            std::chrono::milliseconds wait) override {
    const auto now = std::chrono::steady_clock::now();
    auto ticket = std::make_shared<sqlite::Ticket<revocation::Batch>>();
    ticket->executor = client_.executor;
    auto work = [from = std::move(from), limit](Tables& tables) {
      return tables.log.read(from, limit, tables.now);
    };
    auto job =
        std::make_shared<sqlite::LogReadJob>(now + client_.timeout, now + wait, std::move(work), ticket);
    return sqlite::submit<revocation::Batch>(client_, std::move(ticket), std::move(job),
                                             now + wait + client_.timeout);
  }

  Task<StoreResult<void>> trim(UnixSeconds now) override {
    constexpr std::size_t kAtOnce =
        1'000;  // rows of one transaction: other callers get their turn in between
    for (;;) {
      std::function<bool(Tables&)> work = [now](Tables& tables) { return tables.log.trim(now, kAtOnce); };
      auto more = co_await call<bool>(client_, Mode::write, std::move(work));
      if (!more) co_return more.error();
      if (!*more) co_return StoreResult<void>();
    }
  }

 private:
  Client client_;
};

class Users final : public users::UserStore {
 public:
  explicit Users(Client client) : client_(std::move(client)) {}
  using Found = std::optional<users::User>;

  Task<StoreResult<Found>> find_by_name(std::string_view name) override {
    return call<Found>(client_, Mode::read, [name = std::string(name)](Tables& tables) {
      return tables.users.find_by_name(name);
    });
  }

  Task<StoreResult<Found>> find_by_id(std::string_view id) override {
    return call<Found>(client_, Mode::read,
                       [id = std::string(id)](Tables& tables) { return tables.users.find_by_id(id); });
  }

  Task<StoreResult<std::vector<users::User>>> find_by_email(std::string_view email) override {
    return call<std::vector<users::User>>(client_, Mode::read, [email = std::string(email)](Tables& tables) {
      return tables.users.find_by_email(email);
    });
  }

  Task<StoreResult<bool>> add(users::User user) override {
    return call<bool>(client_, Mode::write, [user = std::move(user)](Tables& tables) {
      users::User added = user;
      if (added.created == UnixMillis{}) added.created = tables.now;
      return tables.users.add(added);
    });
  }

  Task<StoreResult<bool>> update(users::User user) override {
    return call<bool>(client_, Mode::write,
                      [user = std::move(user)](Tables& tables) { return tables.users.update(user); });
  }

  Task<StoreResult<bool>> remove(std::string_view id) override {
    return call<bool>(client_, Mode::write,
                      [id = std::string(id)](Tables& tables) { return tables.users.remove(id); });
  }

  Task<StoreResult<Page>> list(std::string cursor, std::size_t limit) override {
    return call<Page>(client_, Mode::read, [cursor = std::move(cursor), limit](Tables& tables) {
      return tables.users.list(cursor, limit);
    });
  }

 private:
  Client client_;
};

class Attempts final : public users::AttemptStore {
 public:
  explicit Attempts(Client client) : client_(std::move(client)) {}

  Task<StoreResult<unsigned>> add(std::string key, std::chrono::seconds window) override {
    return call<unsigned>(client_, Mode::write, [key = std::move(key), window](Tables& tables) {
      return tables.attempts.add(key, window, tables.now);
    });
  }

  Task<StoreResult<unsigned>> count(std::string key) override {
    return call<unsigned>(client_, Mode::read, [key = std::move(key)](Tables& tables) {
      return tables.attempts.count(key, tables.now);
    });
  }

  Task<StoreResult<void>> clear(std::string key) override {
    return call<void>(client_, Mode::write,
                      [key = std::move(key)](Tables& tables) { tables.attempts.clear(key); });
  }

 private:
  Client client_;
};

class OneTime final : public users::OneTimeStore {
 public:
  explicit OneTime(Client client) : client_(std::move(client)) {}
  using Found = std::optional<std::string>;

  Task<StoreResult<void>> put(std::string key, std::string value, std::chrono::seconds ttl) override {
    return call<void>(client_, Mode::write,
                      [key = std::move(key), value = std::move(value), ttl](Tables& tables) {
                        tables.one_time.put(key, value, ttl, tables.now);
                      });
  }

  Task<StoreResult<Found>> find(std::string key) override {
    return call<Found>(client_, Mode::read, [key = std::move(key)](Tables& tables) {
      return tables.one_time.find(key, tables.now);
    });
  }

  Task<StoreResult<Found>> take(std::string key) override {
    return call<Found>(client_, Mode::write, [key = std::move(key)](Tables& tables) {
      return tables.one_time.take(key, tables.now);
    });
  }

 private:
  Client client_;
};

class KeyRings final : public jose::KeyRingStore {
 public:
  explicit KeyRings(Client client) : client_(std::move(client)) {}

  Task<StoreResult<Stored>> load(std::uint64_t known_version) override {
    return call<Stored>(client_, Mode::read,
                        [known_version](Tables& tables) { return tables.keys.load(known_version); });
  }

  Task<StoreResult<bool>> compare_and_swap(std::uint64_t expected, std::string sealed) override {
    return call<bool>(client_, Mode::write, [expected, sealed = std::move(sealed)](Tables& tables) {
      return tables.keys.compare_and_swap(expected, sealed);
    });
  }

  Task<StoreResult<std::string>> agree(std::string purpose, std::string ours, std::vector<std::string> known,
                                       bool force) override {
    return call<std::string>(
        client_, Mode::write,
        [purpose = std::move(purpose), ours = std::move(ours), known = std::move(known),
         force](Tables& tables) { return tables.keys.agree(purpose, ours, known, force); });
  }

 private:
  Client client_;
};

UnixMillis host_clock() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

SqliteBackend::SqliteBackend(std::shared_ptr<sqlite::StoreThread> thread, std::chrono::milliseconds timeout)
    : thread_(std::move(thread)), timeout_(timeout) {}

SqliteBackend::~SqliteBackend() = default;

Stores SqliteBackend::connect(net::any_io_executor executor) {
  const Client client{thread_, std::move(executor), timeout_};
  return {std::make_unique<Sessions>(client), std::make_unique<Log>(client),
          std::make_unique<Users>(client),    std::make_unique<Attempts>(client),
          std::make_unique<OneTime>(client),  std::make_unique<KeyRings>(client)};
}

Task<Backend::Health> SqliteBackend::probe(net::any_io_executor executor) {
  const Client client{thread_, std::move(executor), timeout_};
  // A write that finds nothing to change still takes the lock, asks for the file and commits.
  std::function<void(Tables&)> work = [](Tables& tables) { tables.attempts.clear(""); };
  const auto answered = co_await call<void>(client, Mode::write, std::move(work));
  Health health;
  health.ok = answered.has_value();
  health.message = health.ok ? "store sqlite:" + thread_->path() + ": ready" : answered.error().detail;
  if (thread_->path() == ":memory:") {
    if (health.ok) health.message = "store memory: ready";
    health.warnings.push_back(
        "store memory: a restart forgets every session, user and revocation: use sqlite:state.db or Redis to "
        "keep them");
  }
  co_return health;
}

SqliteBackend::Commits SqliteBackend::commits() const {
  const auto counters = thread_->counters();
  return {counters.commits, counters.writes};
}

boost::system::result<std::unique_ptr<SqliteBackend>, std::string> open_sqlite(const SqliteOptions& options,
                                                                               const config::Refresh& rules) {
  const std::function<UnixMillis()> clock =
      options.clock ? options.clock : std::function<UnixMillis()>(host_clock);
  auto database = sqlite::open_database({options.path, options.timeout / 2, options.max_pages}, clock());
  if (!database) return database.error();
  sqlite::StoreThread::Rules thread_rules;
  thread_rules.queue = options.queue;
  thread_rules.clock = clock;
  try {
    auto thread = std::make_shared<sqlite::StoreThread>(std::move(*database), rules, std::move(thread_rules));
    return std::make_unique<SqliteBackend>(std::move(thread), options.timeout);
  } catch (const sqlite::Failure& failure) {
    return sqlite::explain(failure, options.path);
  }
}

}  // namespace sallyport::stores
