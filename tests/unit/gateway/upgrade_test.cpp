// What a successor is told of the listening sockets that it gets.
#include "gateway/upgrade.hpp"

#include <gtest/gtest.h>

namespace sallyport::gateway {
namespace {

TEST(Doors, AreReadAsTheyWereWritten) {
  const std::string text = "127.0.0.1:8080=5,6;[::1]:8443=7;0.0.0.0:80=12";
  const std::vector<OpenDoor> doors = parse_doors(text);
  ASSERT_EQ(doors.size(), 3u);
  EXPECT_EQ(doors[0].address.host, "127.0.0.1");
  EXPECT_EQ(doors[0].address.port, 8080);
  EXPECT_EQ(doors[0].descriptors, (std::vector<int>{5, 6}));
  EXPECT_EQ(doors[1].address.host, "::1");
  EXPECT_EQ(doors_text(doors), text);
}

TEST(Doors, WhatIsMalformedIsLeftOut) {
  for (const char* text :
       {"", ";", "127.0.0.1:80", "=5", "nowhere:80=5", "127.0.0.1:80=", "127.0.0.1:80=x,-1,"})
    EXPECT_TRUE(parse_doors(text).empty()) << text;
  EXPECT_EQ(doors_text(parse_doors("bad=1;127.0.0.1:80=3,x,4")), "127.0.0.1:80=3,4");
}

TEST(Inheritance, IsEmptyWhereNobodyLeftAnything) {
  Inheritance none;
  none.claim();
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.widest(), 0u);
  config::Address address{"127.0.0.1", 80};
  EXPECT_TRUE(none.take(address).empty());
  none.announce();
}

}  // namespace
}  // namespace sallyport::gateway
