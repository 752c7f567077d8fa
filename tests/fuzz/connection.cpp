// A client's whole connection: what it sends, in cuts, and what an upstream answers, in cuts, while time
// passes, either side ends or breaks off, and requests are served in several ways. The input is the script
// (script.hpp). Whatever happens, each answer is HTTP and belongs to its request, nobody takes half for the
// whole, nothing follows a refusal, and in the end everything is closed and given back.
// Covers: gateway/http1/server_connection.cpp, gateway/body_pump.cpp
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/connection/judge.hpp"
#include "tests/fuzz/connection/script.hpp"
#include "tests/fuzz/connection/serve.hpp"
#include "tests/fuzz/connection/world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::fuzz;
  World world;
  world.settle();
  for (const Step& step : read_script({reinterpret_cast<const char*>(data), size})) world.act(step);
  world.finish();
  Judge(world).check();
  return 0;
}
