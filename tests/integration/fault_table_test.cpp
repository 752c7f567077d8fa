// The bad days of everything around the gateway, each under the same load: what clients asked, what they were
// answered, and that nothing was lost that the contract promises. Each row is a test; all of them print the
// table:
//   build/debug/tests/integration --gtest_filter='Faults*'
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "tests/integration/fleet.hpp"
#include "tests/support/heirs.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

constexpr unsigned kCallers = 3, kRefreshers = 2;
constexpr unsigned kBefore = 30, kDuring = 120, kAfter = 30;  // calls that are answered in each part

// Where names are looked up, of one process alone: files of its own in the system's place, and no server.
class Names {
 public:
  Names() {
    know(true);
    dir_.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    dir_.write("program", "#!/bin/sh\nexec unshare -rm sh -c 'mount --bind " + dir_ / "hosts" +
                              " /etc/hosts && mount --bind " + dir_ / "resolv.conf" +
                              " /etc/resolv.conf && exec \"$0\" \"$@\"' " + SALLYPORT_BINARY + " \"$@\"\n");
    ::chmod(program().c_str(), 0755);
  }
  static bool possible() {
    return std::system("unshare -rm mount --bind /etc/hosts /etc/hosts 2>/dev/null") == 0;
  }
  std::string program() const { return dir_ / "program"; }
  // Written into the file that is there: a new one would not be the one that was put in place.
  void know(bool upstream) const {
    std::ofstream(dir_ / "hosts", std::ios::trunc)
        << "127.0.0.1 localhost" << (upstream ? " upstream.test\n" : "\n");
  }

 private:
  TempDir dir_;
};

class World {
 public:
  World(const std::string& more, const std::string& store, bool by_name)
      : redis_({.append_only = true}),
        fleet_(store.empty() ? redis_.url() : store,
               {.more = "defaults: {auth: required, timeout: 1s}\nrevocation: {degraded: stale}\n" +
                        std::string("limits: {drain: 20s}\nadmin: {address: \"127.0.0.1:") +
                        std::to_string(admin_port_) + "\"}\n" + more,
                .program = by_name ? names_.program() : SALLYPORT_BINARY,
                .origin_host = by_name ? "upstream.test" : "127.0.0.1"}) {
    fleet_.origin().on("/api/x", answer());
  }
  static Answer answer() {
    Answer good;
    good.body = "as ever";
    return good;
  }
  void start() { fleet_.add(); }
  GatewayProcess& gateway() { return fleet_[0]; }
  std::string metrics() const { return HttpClient(admin_port_).get("/metrics").body; }

  std::uint16_t admin_port_ = free_port();
  Names names_;
  RedisServer redis_;
  Fleet fleet_;
  Heirs heirs_;
};

// What all clients saw together.
class Load {
 public:
  // Everybody logs in before the first one calls: passwords are hashed with what the load leaves of the
  // cores.
  explicit Load(Fleet& fleet) : fleet_(fleet) {
    std::vector<Pair> pairs;
    for (unsigned i = 0; i < kCallers + kRefreshers; ++i)
      pairs.push_back(fleet_.login(0, "user" + std::to_string(i)));
    for (unsigned i = 0; i < pairs.size(); ++i)
      clients_.emplace_back([this, pair = pairs[i], calls = i < kCallers] {
        if (calls)
          call(pair.access);
        else
          refresh(pair.refresh);
      });
  }
  ~Load() { end(); }
  void end() {
    stop_ = true;
    clients_.clear();
  }
  // True once so many more calls were answered.
  bool answered(unsigned more) {
    const unsigned before = answered_;
    return poll_until([&] { return answered_ >= before + more; });
  }

  unsigned asked() const { return asked_; }
  unsigned kept_out() const { return kept_out_; }
  unsigned lost() const { return lost_; }
  unsigned cut() const { return cut_; }
  unsigned logged_out() const { return logged_out_; }
  std::map<int, unsigned> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::map<int, unsigned> refreshes() const {
    const std::lock_guard lock(mutex_);
    return refreshes_;
  }

 private:
  void count(std::map<int, unsigned>& by_status, int status) {
    const std::lock_guard lock(mutex_);
    ++by_status[status];
    if (&by_status == &calls_) ++answered_;
  }

  // Nothing where nobody listens; the pace of asking again is that of the refreshes.
  std::optional<HttpConnection> connect() {
    try {
      return std::optional<HttpConnection>(std::in_place, port_);
    } catch (const std::exception&) {
      ++kept_out_;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return std::nullopt;
    }
  }

  // On a kept connection, and on a new one where an answer was the last of its own.
  void call(const std::string& access) {
    const Headers headers = bearer(access);
    while (!stop_) {
      std::optional<HttpConnection> connection = connect();
      if (!connection) continue;
      bool answered = false;
      try {
        for (bool kept = true; kept && !stop_;) {
          ++asked_;
          const Response response = connection->request("GET", "/api/x", headers);
          answered = true;
          if (response.complete) {
            count(calls_, response.status);
          } else {
            ++cut_;
            ++answered_;
          }
          kept = response.complete && response.header("Connection") != "close";
          std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the pace of the load
        }
      } catch (const std::exception&) {
        ++(answered ? lost_ : kept_out_);  // in the kernel's queue when its socket was closed
      }
    }
  }

  void refresh(std::string token) {
    while (!stop_) {
      std::optional<HttpConnection> connection = connect();
      if (!connection) continue;
      try {
        const Response response =
            connection->request("POST", "/auth/refresh", {{"Content-Type", "application/json"}},
                                R"({"refresh_token":")" + token + "\"}");
        count(refreshes_, response.status);
        if (response.status == 200) token = response.text("refresh_token");
        if (response.status == 401) ++logged_out_;
      } catch (const std::exception&) {
        ++kept_out_;  // a connection of its own, as above; asked again with the same token
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  Fleet& fleet_;
  const std::uint16_t port_ = fleet_[0].port();
  std::atomic<bool> stop_ = false;
  std::atomic<unsigned> asked_ = 0, answered_ = 0, kept_out_ = 0, lost_ = 0, cut_ = 0, logged_out_ = 0;
  mutable std::mutex mutex_;  // guards all below
  std::map<int, unsigned> calls_, refreshes_;
  std::vector<std::jthread> clients_;
};

std::string listed(const std::map<int, unsigned>& by_status) {
  std::string text;
  for (const auto& [status, count] : by_status)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " x " + std::to_string(status);
  return text;
}

struct Fault {
  const char* name;
  std::function<void(World&)> happens, heals;
  std::set<int> calls{200};           // statuses that calls may see
  std::set<int> refreshes{200, 503};  // and refreshes
  bool cuts = false;                  // answers that began and can't be whole
  std::string more;                   // configuration
  std::string store;                  // instead of Redis
  unsigned during = kDuring;
  bool shut = false;               // nobody listens for a while
  bool by_name = false;            // the upstream is known by its name
  bool bounds_memory = false;      // which a sanitizer's own takes past any bound
  bool refuses_refreshes = false;  // lasts until one was told to come back later
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class Faults : public ::testing::TestWithParam<Fault> {};

TEST_P(Faults, LoseNothingThatIsPromised) {
  const Fault& fault = GetParam();
  if (fault.by_name && !Names::possible()) GTEST_SKIP() << "no namespaces for a user here";
  if (fault.bounds_memory && kSanitized) GTEST_SKIP() << "a sanitizer reserves more than any bound";
  World world(fault.more, fault.store, fault.by_name);
  world.start();
  Load load(world.fleet_);
  EXPECT_TRUE(load.answered(kBefore));
  fault.happens(world);
  EXPECT_TRUE(load.answered(fault.during));
  if (fault.refuses_refreshes) {
    EXPECT_TRUE(poll_until([&] { return load.refreshes().contains(503); })) << listed(load.refreshes());
  }
  const auto during = load.calls();
  if (fault.heals) fault.heals(world);
  // Well again: calls are answered with 200, and each refresher gets its next pair.
  const unsigned good = during.contains(200) ? during.at(200) : 0;
  EXPECT_TRUE(poll_until([&] {
    const auto calls = load.calls();
    return calls.contains(200) && calls.at(200) >= good + kAfter;
  })) << listed(load.calls());
  const auto refreshed = [&] {
    const auto all = load.refreshes();
    return all.contains(200) ? all.at(200) : 0u;
  };
  const unsigned so_far = refreshed();
  EXPECT_TRUE(poll_until([&] { return refreshed() >= so_far + 2 * kRefreshers; }))
      << listed(load.refreshes());
  load.end();

  std::ostringstream row;
  row << "| " << fault.name << " | " << load.asked() << " | " << listed(load.calls()) << " | "
      << listed(load.refreshes()) << " | " << load.cut() << " | " << load.kept_out() << " | " << load.lost()
      << " | " << load.logged_out() << " |";
  std::cout << row.str() << std::endl;
  for (const auto& [status, count] : load.calls()) EXPECT_TRUE(fault.calls.contains(status)) << row.str();
  for (const auto& [status, count] : load.refreshes())
    EXPECT_TRUE(fault.refreshes.contains(status)) << row.str();
  EXPECT_EQ(load.lost(), 0u) << row.str();
  EXPECT_EQ(load.logged_out(), 0u) << row.str();
  if (!fault.cuts) {
    EXPECT_EQ(load.cut(), 0u) << row.str();
  }
  if (!fault.shut) {
    EXPECT_EQ(load.kept_out(), 0u) << row.str();
  }
}

void answer_with(World& world, const Answer& answer) { world.fleet_.origin().on("/api/x", answer); }
void heal_origin(World& world) { answer_with(world, World::answer()); }

Answer cut_short() {
  Answer answer = World::answer();
  answer.cut_after = 60;
  answer.ending = Ending::reset;
  answer.body = std::string(10'000, 'x');
  return answer;
}
Answer malformed() {
  Answer answer;
  answer.raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
  answer.ending = Ending::close;
  return answer;
}

void limit(World& world, __rlimit_resource what, rlim_t most) {
  rlimit now{};
  ASSERT_EQ(::prlimit(world.gateway().pid(), what, nullptr, &now), 0);
  now.rlim_cur = std::min(most, now.rlim_max);
  ASSERT_EQ(::prlimit(world.gateway().pid(), what, &now, nullptr), 0);
}

void command(World& world, std::vector<std::string> words) { world.redis_.command(words); }

const Fault kFaults[] = {
    {.name = "Redis is killed and comes back (AOF)",
     .happens = [](World& w) { w.redis_.kill(); },
     .heals = [](World& w) { w.redis_.start(); },
     .refuses_refreshes = true},
    {.name = "Redis hangs",
     .happens = [](World& w) { w.redis_.pause(); },
     .heals = [](World& w) { w.redis_.resume(); },
     .refuses_refreshes = true},
    {.name = "Redis becomes a replica (READONLY)",
     .happens = [](World& w) { command(w, {"REPLICAOF", "127.0.0.1", std::to_string(free_port())}); },
     .heals = [](World& w) { command(w, {"REPLICAOF", "NO", "ONE"}); },
     .refuses_refreshes = true},
    {.name = "Redis is full (OOM, noeviction)",
     .happens = [](World& w) { command(w, {"CONFIG", "SET", "maxmemory", "1"}); },
     .heals = [](World& w) { command(w, {"CONFIG", "SET", "maxmemory", "0"}); }},
    {.name = "Redis closes every connection",
     .happens = [](World& w) { command(w, {"CLIENT", "KILL", "TYPE", "normal"}); }},
    {.name = "The upstream hangs (timeout 1 s)",
     .happens =
         [](World& w) {
           Answer held = World::answer();
           held.before_head = std::make_shared<Gate>();
           answer_with(w, held);
         },
     .heals = heal_origin,
     .calls = {200, 503, 504},
     .during = 2 * kCallers},
    {.name = "The upstream cuts its answers",
     .happens = [](World& w) { answer_with(w, cut_short()); },
     .heals = heal_origin,
     .calls = {200, 502, 503},
     .cuts = true},
    {.name = "The upstream answers with two lengths",
     .happens = [](World& w) { answer_with(w, malformed()); },
     .heals = heal_origin,
     .calls = {200, 502, 503}},
    {.name = "The upstream resets each connection unanswered",
     .happens =
         [](World& w) {
           Answer reset;
           reset.raw = "";
           reset.ending = Ending::reset;
           answer_with(w, reset);
         },
     .heals = heal_origin,
     .calls = {200, 502, 503}},
    {.name = "The upstream's name can't be resolved",
     .happens =
         [](World& w) {
           Answer last = World::answer();
           last.ending = Ending::close;  // so that each call needs the name
           answer_with(w, last);
           w.names_.know(false);
           EXPECT_TRUE(w.gateway().wait_for_log("upstream.test cannot be resolved"));
         },
     .heals =
         [](World& w) {
           w.names_.know(true);
           heal_origin(w);
         },
     .by_name = true},
    {.name = "No descriptor is left",
     .happens = [](World& w) { limit(w, RLIMIT_NOFILE, 8); },
     .heals = [](World& w) { limit(w, RLIMIT_NOFILE, 1024); },
     .calls = {200, 502}},
    {.name = "The disk of both logs is full",
     .happens = [](World&) {},
     .heals =
         [](World& w) {
           EXPECT_TRUE(poll_until([&] {
             const std::string told = w.metrics();
             return told.find("\nsallyport_log_lines_dropped 0\n") == told.npos;
           }));
         },
     .more = "log: {access: /dev/full, audit: /dev/full}\n"},
    {.name = "The file of SQLite may not grow",
     .happens = [](World& w) { limit(w, RLIMIT_FSIZE, 4096); },
     .heals = [](World& w) { limit(w, RLIMIT_FSIZE, RLIM_INFINITY); },
     .store = "sqlite:state.db",
     .refuses_refreshes = true},
    {.name = "No more memory than it has",
     .happens = [](World& w) { limit(w, RLIMIT_AS, 1); },
     .heals = [](World& w) { limit(w, RLIMIT_AS, RLIM_INFINITY); },
     .bounds_memory = true},
    {.name = "Another program takes over (SIGUSR2)",
     .happens = [](World& w) { EXPECT_NE(w.heirs_.upgrade(w.gateway()), 0) << w.gateway().log(); }},
    {.name = "SIGTERM, and a new start",
     .happens =
         [](World& w) {
           std::string yaml = w.fleet_.yaml();
           yaml.replace(yaml.find("127.0.0.1:0"), 11, "127.0.0.1:" + std::to_string(w.gateway().port()));
           w.gateway().write_config(yaml);
           EXPECT_EQ(w.gateway().stop(), 0);
         },
     .heals = [](World& w) { w.gateway().start(); },
     .calls = {200, 503},  // until it has read the revocations
     .during = 0,
     .shut = true},
    {.name = "SIGHUP again and again",
     .happens =
         [](World& w) {
           for (int i = 0; i < 20; ++i) {
             w.gateway().signal(SIGHUP);
             EXPECT_TRUE(w.gateway().wait_for_log("reload (SIGHUP)", static_cast<std::size_t>(i) + 1));
           }
         }},
};

std::string name_of(const ::testing::TestParamInfo<Fault>& row) {
  std::string name;
  for (const char* c = row.param.name; *c != 0; ++c)
    if (std::isalnum(static_cast<unsigned char>(*c)) != 0) name += *c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Table, Faults, ::testing::ValuesIn(kFaults), name_of);

}  // namespace
}  // namespace sallyport::testing
