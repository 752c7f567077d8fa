// Names become addresses without anybody waiting longer than he said, whatever the DNS does.
#include "gateway/upstream/resolver.hpp"

#include <gtest/gtest.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <atomic>

#include "tests/support/await.hpp"
#include "tests/support/gate.hpp"

namespace sallyport::upstream {
namespace {

using gateway::error_code;
using std::chrono::milliseconds;

SteadyTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

config::Upstream::Server named(const std::string& host) {
  config::Upstream::Server server;
  server.host = host;
  server.port = 8080;
  return server;
}

Resolver::Endpoints addresses(std::initializer_list<const char*> texts) {
  Resolver::Endpoints out;
  for (const char* text : texts) out.emplace_back(net::ip::tcp::endpoint(net::ip::make_address(text), 8080));
  return out;
}

struct Answer {
  Resolver::Endpoints endpoints;
  error_code ec;
};

Task<Answer> ask(Resolver& resolver, config::Upstream::Server server, SteadyTime give_up) {
  Answer answer;
  answer.endpoints = co_await resolver.resolve(server, give_up, answer.ec);
  co_return answer;
}

class Resolving : public ::testing::Test {
 protected:
  Answer ask_now(Resolver& resolver, const config::Upstream::Server& server,
                 milliseconds patience = testing_patience()) {
    return sallyport::testing::await(context, ask(resolver, server, in(patience)));
  }
  static milliseconds testing_patience() { return sallyport::testing::kPatience; }
  net::io_context context;
};

TEST_F(Resolving, TakesLiteralsAndSocketsAsTheyAre) {
  Resolver resolver(context.get_executor(), [](auto&, auto, error_code&) -> Resolver::Endpoints {
    ADD_FAILURE() << "nobody had to be asked";
    return {};
  });
  EXPECT_EQ(ask_now(resolver, named("10.1.2.3")).endpoints, addresses({"10.1.2.3"}));
  EXPECT_EQ(ask_now(resolver, named("::1")).endpoints, addresses({"::1"}));
  config::Upstream::Server local;
  local.unix_path = "/run/x";
  EXPECT_EQ(ask_now(resolver, local).endpoints.at(0),
            Resolver::Endpoint(net::local::stream_protocol::endpoint("/run/x")));
}

TEST_F(Resolving, AsksOnceForManyAndRemembers) {
  std::atomic<int> asked{0};
  Resolver resolver(context.get_executor(), [&](auto&, auto, error_code&) {
    ++asked;
    return addresses({"10.0.0.1", "10.0.0.2"});
  });
  std::vector<Task<Answer>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(ask(resolver, named("orders"), in(testing_patience())));
  for (const Answer& answer : sallyport::testing::await_all(context, std::move(tasks)))
    EXPECT_EQ(answer.endpoints, addresses({"10.0.0.1", "10.0.0.2"}));
  EXPECT_FALSE(ask_now(resolver, named("orders")).ec);
  EXPECT_EQ(asked, 1);
}

TEST_F(Resolving, GivesUpAtItsDeadlineWhenTheDnsHangs) {
  auto gate = std::make_shared<sallyport::testing::Gate>();
  Resolver resolver(context.get_executor(), [gate](auto&, auto, error_code&) {
    gate->wait();
    return addresses({"10.0.0.1"});
  });
  const Answer late = ask_now(resolver, named("orders"), milliseconds(30));
  EXPECT_TRUE(late.endpoints.empty());
  EXPECT_EQ(late.ec, net::error::timed_out);
  // Another name isn't held up, and the answer serves who asks later.
  EXPECT_EQ(ask_now(resolver, named("127.0.0.1")).endpoints.size(), 1u);
  gate->open();
  EXPECT_EQ(ask_now(resolver, named("orders")).endpoints, addresses({"10.0.0.1"}));
}

TEST_F(Resolving, EndsAtOnceAlthoughALookupHangs) {
  auto gate = std::make_shared<sallyport::testing::Gate>();
  {
    Resolver resolver(context.get_executor(), [gate](auto&, auto, error_code&) {
      gate->wait();
      return addresses({"10.0.0.1"});
    });
    EXPECT_EQ(ask_now(resolver, named("orders"), milliseconds(10)).ec, net::error::timed_out);
  }
  EXPECT_TRUE(gate->wait_for_arrivals());
  gate->open();  // the thread ends by itself and touches nothing of ours
}

TEST_F(Resolving, SaysWhyANameHasNoAddressAndAsksAgainForTheNextRequest) {
  std::atomic<int> asked{0};
  Resolver resolver(context.get_executor(), [&](auto&, auto, error_code& ec) -> Resolver::Endpoints {
    if (++asked == 2) return addresses({"10.0.0.1"});
    ec = net::error::host_not_found;
    return {};
  });
  EXPECT_EQ(ask_now(resolver, named("orders")).ec, net::error::host_not_found);
  EXPECT_EQ(ask_now(resolver, named("orders")).endpoints, addresses({"10.0.0.1"}));
}

TEST_F(Resolving, KeepsTheLastGoodAnswerAndAsksAgainInTheBackground) {
  auto second = std::make_shared<sallyport::testing::Gate>();
  auto asked = std::make_shared<std::atomic<int>>(0);  // the last asking may outlive the test
  Resolver resolver(
      context.get_executor(),
      [asked, second](auto&, auto, error_code& ec) -> Resolver::Endpoints {
        switch (++*asked) {
          case 1:
            return addresses({"10.0.0.1"});
          case 2:
            second->wait();
            ec = net::error::host_not_found;
            return {};
          default:
            return addresses({"10.0.0.9"});
        }
      },
      std::chrono::seconds(0));
  EXPECT_EQ(ask_now(resolver, named("orders")).endpoints, addresses({"10.0.0.1"}));
  // Old now: asked again, but nobody waits for it.
  EXPECT_EQ(ask_now(resolver, named("orders"), milliseconds(0)).endpoints, addresses({"10.0.0.1"}));
  ASSERT_TRUE(second->wait_for_arrivals());
  EXPECT_EQ(ask_now(resolver, named("orders"), milliseconds(0)).endpoints, addresses({"10.0.0.1"}));
  EXPECT_EQ(*asked, 2);
  second->open();
  // Its failure changes nothing; the next answer does.
  Answer answer;
  const SteadyTime patience = in(testing_patience());
  do {
    answer = ask_now(resolver, named("orders"));
    context.restart();
    context.run_for(milliseconds(1));
  } while (answer.endpoints == addresses({"10.0.0.1"}) && std::chrono::steady_clock::now() < patience);
  EXPECT_EQ(answer.endpoints, addresses({"10.0.0.9"}));
}

TEST_F(Resolving, AsksTheSystemByDefault) {
  Resolver resolver(context.get_executor());
  const Answer answer = ask_now(resolver, named("localhost"));
  ASSERT_FALSE(answer.endpoints.empty()) << answer.ec.message();
}

}  // namespace
}  // namespace sallyport::upstream
