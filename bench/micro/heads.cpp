// Reading a request's and a response's head, writing both anew: everything between two system calls but the
// decision.
#include "bench/micro/support/allocations.hpp"
#include "gateway/http1/forward_rules.hpp"
#include "gateway/http1/reader.hpp"

namespace sallyport::http1 {
namespace {

std::string request_head() {
  return "GET /api/orders/42?full=1 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux "
         "x86_64)\r\n"
         "Accept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\n"
         "Authorization: Bearer " +
         std::string(400, 'a') + "\r\nCookie: theme=dark\r\n\r\n";
}

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: api\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: "
    "application/json\r\n"
    "Cache-Control: no-cache\r\nContent-Length: 1024\r\n\r\n";

void read_request(benchmark::State& state) {
  const std::string head = request_head();
  RequestReader reader{HeadLimits{}};
  const bench::CountAllocations count(state);
  for (auto _ : state) {
    reader.reset();
    benchmark::DoNotOptimize(reader.read_head(head).progress);
  }
}
BENCHMARK(read_request);

void refuse_request(benchmark::State& state) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n";
  RequestReader reader{HeadLimits{}};
  const bench::CountAllocations count(state);
  for (auto _ : state) {
    reader.reset();
    benchmark::DoNotOptimize(reader.read_head(head).refusal.status);
  }
}
BENCHMARK(refuse_request);

void read_response(benchmark::State& state) {
  ResponseReader reader{HeadLimits{}};
  const bench::CountAllocations count(state);
  for (auto _ : state) {
    reader.reset(false);
    benchmark::DoNotOptimize(reader.read_head(kResponse).progress);
  }
}
BENCHMARK(read_response);

void write_request(benchmark::State& state) {
  const std::string head = request_head();
  RequestReader reader{HeadLimits{}};
  reader.read_head(head);
  const ForwardPolicy policy;
  ForwardContext context;
  context.path = "/api/orders/42";
  context.query = "full=1";
  context.has_query = true;
  context.identity =
      "X-Auth-Issuer: https://auth.example.com\r\nX-Auth-Subject: 42\r\nX-Auth-Roles: clerk\r\n";
  context.provenance = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n";
  std::string out;
  out.reserve(4096);
  const bench::CountAllocations count(state);
  for (auto _ : state) {
    out.clear();
    append_request_head(out, reader.head(), policy, context);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_request);

void write_response(benchmark::State& state) {
  ResponseReader reader{HeadLimits{}};
  reader.reset(false);
  reader.read_head(kResponse);
  const ForwardPolicy policy;
  ResponseContext context;
  context.request_id = "0123456789abcdef0123456789abcdef";
  std::string out;
  out.reserve(4096);
  const bench::CountAllocations count(state);
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(append_response_head(out, reader.head(), policy, context).keep_alive);
  }
}
BENCHMARK(write_response);

}  // namespace
}  // namespace sallyport::http1
