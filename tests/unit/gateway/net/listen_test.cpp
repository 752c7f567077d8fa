#include "gateway/net/listen.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sallyport::gateway {
namespace {

using ::testing::HasSubstr;

config::Address loopback(std::uint16_t port = 0) { return {"127.0.0.1", port}; }

// A listening socket of somebody else on a port that the kernel picks.
class Holder {
 public:
  explicit Holder(bool reuse_port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reuse_port) ::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 1) != 0) return;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Holder() { ::close(fd_); }
  std::uint16_t port = 0;

 private:
  int fd_;
};

TEST(Listen, PicksAFreePortAndOpensItOncePerWorker) {
  config::Address address = loopback();
  ASSERT_TRUE(probe_port(address));
  EXPECT_NE(address.port, 0);
  const auto first = open_listener(address, 16), second = open_listener(address, 16);
  ASSERT_TRUE(first) << first.error();
  ASSERT_TRUE(second) << second.error();
  ::close(*first);
  ::close(*second);
}

TEST(Listen, SaysThatThePortIsTakenAndTheWayOut) {
  const Holder holder(false);
  config::Address address = loopback(holder.port);
  const auto probed = probe_port(address);
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error(), HasSubstr("127.0.0.1:" + std::to_string(holder.port)));
  EXPECT_THAT(probed.error(), HasSubstr("another process holds this port"));
}

// CONTRACT 1: a port that another process holds is an error although SO_REUSEPORT would hide it.
TEST(Listen, SeesAHolderThatSharesItsPortToo) {
  const Holder holder(true);
  config::Address address = loopback(holder.port);
  EXPECT_FALSE(probe_port(address));
}

TEST(Listen, NamesAnAddressThatIsNotOurs) {
  config::Address address{"192.0.2.1", 8080};
  const auto probed = probe_port(address);
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error(), HasSubstr("no network interface"));
}

TEST(Listen, WritesAddressesAsOneReadsThem) {
  EXPECT_EQ(to_text(config::Address{"127.0.0.1", 80}), "127.0.0.1:80");
  EXPECT_EQ(to_text(config::Address{"::1", 80}), "[::1]:80");
}

}  // namespace
}  // namespace sallyport::gateway
