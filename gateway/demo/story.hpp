// What the demo tells: the configuration that it runs and the curl lines that a reader can paste one after
// the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sallyport::demo {

struct Plan {
  std::uint16_t port = 8080;              // of the gateway; 0: the kernel picks
  std::uint16_t api_port = 0;             // of the demo API
  std::string store = "sqlite:state.db";  // relative to the folder of the configuration
  std::chrono::seconds access_ttl{15};
};

std::string gateway_yaml(const Plan& plan);

// `port`: where the gateway listens in fact.
std::string story(const Plan& plan, std::uint16_t port);

}  // namespace sallyport::demo
