// Many people, each with five tabs, refresh at random over three gateways while their connections are cut
// once the request is on its way: nobody is logged out, there is one lineage of tokens for each session, and
// what was logged out stays so. refresh_history.hpp judges what the tabs saw; that it does is shown by storms
// over a Redis that lost a record, and over two masters at once.
//
// SALLYPORT_STORM_CLIENTS=1000 SALLYPORT_STORM_SECONDS=60 for the whole storm; the suite runs a breeze of it.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/integration/fleet.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/refresh_history.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kTabs = 5, kThreads = 8;

unsigned from_env(const char* name, unsigned fallback) {
  const char* text = std::getenv(name);
  return text ? static_cast<unsigned>(std::stoul(text)) : fallback;
}

// One person's browser: what all its tabs find in its storage.
struct Person {
  std::mutex mutex;  // guards all below
  Pair stored;
  std::array<std::string, 2> before;  // the refresh token that `stored` replaced, and the one before that
  Clock::time_point replaced{};
  bool leaves = false;  // logs out some time
};

class Storm {
 public:
  Storm(Fleet& fleet, std::vector<std::unique_ptr<Person>>& people, unsigned seed)
      : fleet_(fleet), people_(people), random_(seed) {}

  void run(Clock::time_point end) {
    while (Clock::now() < end) {
      Person& person = *people_[below(static_cast<unsigned>(people_.size()))];
      const unsigned what = below(100);
      if (what < 75) {
        refresh(person);
      } else if (what < 97 || !person.leaves) {
        call(person, true);
      } else {
        leave(person, 4);
      }
    }
  }

  // After the storm: what is stored still works, or was logged out.
  void look_after(Person& person) {
    refresh_once(person, person.stored.refresh, 1, 0);
    call(person, true);
  }

  void leave(Person& person, unsigned cuts) {
    const std::string access = access_of(person);
    const std::uint16_t port = any_port();
    Act act = begin(Act::Kind::logout, person);
    HttpConnection connection(port);
    connection.send(request_text("POST", "/auth/logout", bearer(access)));
    if (cuts > 0 && below(cuts) == 0) return cut(act, connection);
    const auto response = connection.read_response();
    if (!response) throw std::runtime_error("a gateway closed the connection without an answer");
    end(act, *response);
    Act here = begin(Act::Kind::call, person);  // in force before the reply left
    end(here, HttpClient(port).get("/api/x", bearer(access)));
  }

  std::vector<Act> history;

 private:
  unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  std::uint16_t any_port() { return fleet_[below(static_cast<unsigned>(fleet_.size()))].port(); }

  Act begin(Act::Kind kind, const Person& person) {
    Act act;
    act.kind = kind;
    act.session = person.stored.session;
    act.sent = Clock::now();
    return act;
  }
  void end(Act& act, const Response& response) {
    act.done = Clock::now();
    act.status = response.status;
    if (response.status >= 400) act.error = error_of(response);
    history.push_back(act);
  }
  void cut(Act& act, HttpConnection& connection) {
    connection.abort();
    act.done = Clock::now();
    history.push_back(act);
  }

  void refresh(Person& person) {
    std::string token;
    {
      const std::lock_guard lock(person.mutex);
      // A tab that had read the storage a moment before another one wrote it, or two moments.
      const std::string& before = person.before[below(2)];
      const bool late = !before.empty() && Clock::now() - person.replaced < 2s && below(4) == 0;
      token = late ? before : person.stored.refresh;
    }
    refresh_once(person, token, 1 + below(kTabs), 4);
  }

  // `tabs` of a person at once; one of `cuts` loses its connection once its request is on its way.
  void refresh_once(Person& person, const std::string& token, unsigned tabs, unsigned cuts) {
    const std::string request = request_text("POST", "/auth/refresh", {{"Content-Type", "application/json"}},
                                             R"({"refresh_token":")" + token + "\"}");
    std::vector<std::pair<Act, HttpConnection>> sent;
    for (unsigned i = 0; i < tabs; ++i) {
      Act act = begin(Act::Kind::refresh, person);
      act.presented = token;
      sent.emplace_back(std::move(act), HttpConnection(any_port()));
      sent.back().second.send(request);
    }
    for (auto& [act, connection] : sent) {
      if (cuts > 0 && below(cuts) == 0) {
        cut(act, connection);
        continue;
      }
      const auto response = connection.read_response();
      if (!response) throw std::runtime_error("a gateway closed the connection without an answer");
      if (response->status == 200) {
        const Pair pair = pair_of(*response);
        act.received = pair.refresh;
        store(person, token, pair);
      }
      end(act, *response);
    }
  }

  // Only where nobody else replaced what this tab had read.
  void store(Person& person, const std::string& presented, const Pair& pair) {
    const std::lock_guard lock(person.mutex);
    if (person.stored.refresh != presented) return;
    person.before = {presented, std::move(person.before[0])};
    person.replaced = Clock::now();
    person.stored.refresh = pair.refresh;
    person.stored.access = pair.access;
  }

  std::string access_of(Person& person) {
    const std::lock_guard lock(person.mutex);
    return person.stored.access;
  }

  void call(Person& person, bool elsewhere) {
    const std::string access = access_of(person);
    Act act = begin(Act::Kind::call, person);
    act.elsewhere = elsewhere;
    end(act, HttpClient(any_port()).get("/api/x", bearer(access)));
  }

  Fleet& fleet_;
  std::vector<std::unique_ptr<Person>>& people_;
  std::mt19937 random_;
};

// People, what befell them, and what the checker says of it.
class Weather {
 public:
  explicit Weather(Fleet& fleet) : fleet_(fleet) {}

  // Everybody logs in, one after the other, at each of the gateways in turn.
  void log_in(unsigned clients) {
    for (unsigned i = 0; i < clients; ++i) {
      people_.push_back(std::make_unique<Person>());
      Person& person = *people_.back();
      // A thousand logins in a row: the hashing pool may say that it has enough for a moment.
      for (const Deadline end = within(); person.stored.refresh.empty() && Clock::now() < end;)
        person.stored = fleet_.login(i % fleet_.size(), "person-" + std::to_string(i % 10));
      ASSERT_FALSE(person.stored.refresh.empty());
      person.leaves = i % 8 == 7;
      Act act;
      act.kind = Act::Kind::login, act.session = person.stored.session, act.status = 200;
      act.received = person.stored.refresh;
      act.sent = act.done = Clock::now();
      history_.push_back(act);
    }
  }

  void storm(std::chrono::seconds duration) {
    const auto end = Clock::now() + duration;
    std::vector<std::unique_ptr<Storm>> storms;
    std::vector<std::thread> threads;
    std::vector<std::string> failures(kThreads);
    for (unsigned i = 0; i < kThreads; ++i) {
      storms.push_back(std::make_unique<Storm>(fleet_, people_, seed_++));
      threads.emplace_back([&, i] {
        try {
          storms[i]->run(end);
        } catch (const std::exception& error) {
          failures[i] = error.what();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (const std::string& failure : failures) EXPECT_EQ(failure, "");
    for (const auto& storm : storms) add(storm->history);
  }

  // Those who would leave some time do so now.
  void let_leave() {
    Storm calm(fleet_, people_, seed_++);
    for (auto& person : people_)
      if (person->leaves) calm.leave(*person, 0);
    add(calm.history);
  }

  // After the storm: what each of them stored still works, or was logged out. The acts, two for each.
  std::vector<Act> look_after_everybody() {
    Storm calm(fleet_, people_, seed_++);
    for (auto& person : people_) calm.look_after(*person);
    add(calm.history);
    return calm.history;
  }

  std::vector<std::unique_ptr<Person>>& people() { return people_; }
  const std::vector<Act>& history() const { return history_; }

 private:
  void add(const std::vector<Act>& acts) { history_.insert(history_.end(), acts.begin(), acts.end()); }

  Fleet& fleet_;
  std::vector<std::unique_ptr<Person>> people_;
  std::vector<Act> history_;
  unsigned seed_ = 0;
};

std::map<std::string, unsigned> summary(const std::vector<Act>& history) {
  std::map<std::string, unsigned> counts;
  for (const Act& act : history) {
    if (act.kind != Act::Kind::refresh) continue;
    ++counts[act.status == 0 ? "cut"
                             : std::to_string(act.status) + (act.error.empty() ? "" : " ") + act.error];
  }
  return counts;
}

// A machine that stalls for seconds must not make a thief of a tab that waited.
FleetOptions patient() { return {.refresh = "{concurrency_window: 30s}"}; }

TEST(RefreshStorm, LosesNobodyForksNothingAndBringsNobodyBack) {  // S1.12, S1.17, S1.27
  const unsigned clients = from_env("SALLYPORT_STORM_CLIENTS", 40);
  const std::chrono::seconds duration(from_env("SALLYPORT_STORM_SECONDS", 4));
  RedisServer redis;
  Fleet fleet(redis.url(), patient());
  for (unsigned i = 0; i < 3; ++i) fleet.add();
  Weather weather(fleet);
  ASSERT_NO_FATAL_FAILURE(weather.log_in(clients));
  weather.storm(duration);
  const std::vector<Act> after = weather.look_after_everybody();

  const Findings findings = judge(weather.history());
  EXPECT_TRUE(findings.none()) << findings.text();
  auto counts = summary(weather.history());
  std::cout << clients << " clients, " << duration.count() << " s, " << weather.history().size()
            << " acts; refreshes:";
  for (const auto& [what, count] : counts) std::cout << "  " << what << ": " << count;
  std::cout << "\n";
  EXPECT_GT(counts["200"], clients);
  EXPECT_GT(counts["cut"], 0u);
  // Who didn't leave is still here.
  for (std::size_t i = 0; i < weather.people().size(); ++i) {
    if (weather.people()[i]->leaves) continue;
    EXPECT_EQ(after[2 * i].status, 200) << i << " " << after[2 * i].error;
  }
}

TEST(RefreshStorm, ItsCheckerCatchesARecordThatTheStoreLost) {
  RedisServer redis;
  Fleet fleet(redis.url(), patient());
  for (unsigned i = 0; i < 3; ++i) fleet.add();
  Weather weather(fleet);
  ASSERT_NO_FATAL_FAILURE(weather.log_in(8));
  weather.storm(1s);
  const std::string session = weather.people()[0]->stored.session;
  const RedisReply keys = redis.command({"KEYS", "*:s:" + session});
  ASSERT_EQ(keys.items.size(), 1u);
  redis.command({"DEL", keys.items[0].text});
  weather.look_after_everybody();

  const Findings findings = judge(weather.history());
  EXPECT_FALSE(findings.lost.empty());
  for (const std::string& finding : findings.lost) EXPECT_NE(finding.find(session), finding.npos) << finding;
  EXPECT_TRUE(findings.lineages.empty() && findings.resurrected.empty()) << findings.text();
}

// A partition after which both halves have a master: the third gateway refreshes by another truth than the
// first two, so sessions fork, and those that were logged out on one side live on at the other.
TEST(RefreshStorm, ItsCheckerCatchesTheForksAndGhostsOfTwoMasters) {
  RedisServer redis, other;
  Fleet fleet(redis.url(), patient());
  for (unsigned i = 0; i < 2; ++i) fleet.add();
  Weather weather(fleet);
  ASSERT_NO_FATAL_FAILURE(weather.log_in(16));
  other.command({"REPLICAOF", "127.0.0.1", std::to_string(redis.port())});
  ASSERT_TRUE(other.wait_for_info("master_link_status", "up"));
  other.command({"REPLICAOF", "NO", "ONE"});
  fleet.add(other.url());
  weather.storm(2s);
  weather.let_leave();
  weather.storm(1s);

  const Findings findings = judge(weather.history());
  EXPECT_FALSE(findings.lineages.empty());
  EXPECT_FALSE(findings.resurrected.empty());
}

}  // namespace
}  // namespace sallyport::testing
