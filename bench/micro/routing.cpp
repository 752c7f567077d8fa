// From the bytes of a path to its route, with 10 to 100,000 routes.
#include "bench/micro/support/allocations.hpp"
#include "gateway/path.hpp"
#include "gateway/router.hpp"

namespace sallyport::gateway {
namespace {

Router with_routes(std::int64_t count) {
  config::Config config;
  for (std::int64_t i = 0; i < count; ++i) {
    config::Route route;
    route.path = "/service-" + std::to_string(i % 1000) + "/resource-" + std::to_string(i / 1000) + "/";
    config.routes.push_back(std::move(route));
  }
  return std::move(Router::compile(config).router);
}

void find_route(benchmark::State& state) {
  const Router router = with_routes(state.range(0));
  std::vector<std::string> paths;
  for (std::int64_t i = 0; i < 1000; ++i) {
    const std::int64_t route = i * 7919 % state.range(0);
    paths.push_back("/service-" + std::to_string(route % 1000) + "/resource-" + std::to_string(route / 1000) +
                    "/items/" + std::to_string(i));
  }
  std::string scratch;
  std::size_t next = 0;
  const bench::CountAllocations count(state);
  for (auto _ : state) {
    const NormalPath path = normalise_path(paths[next++ % paths.size()], scratch);
    const Match match = router.find("api.example.com", path, "GET");
    if (!match.has_route) state.SkipWithError("no route");
    benchmark::DoNotOptimize(match.route);
  }
}
BENCHMARK(find_route)->Arg(10)->Arg(1000)->Arg(100'000);

void normalise_escapes(benchmark::State& state) {
  std::string scratch;
  scratch.reserve(256);
  const bench::CountAllocations count(state);
  for (auto _ : state)
    benchmark::DoNotOptimize(normalise_path("/api/%7Euser/caf%c3%a9/%41", scratch).path.size());
}
BENCHMARK(normalise_escapes);

}  // namespace
}  // namespace sallyport::gateway
