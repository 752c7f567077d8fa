// A gateway of one public route before one recording origin: what the proxy tests look through.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {

// One worker, so that there is one pool and what is reused is certain.
inline std::string proxy_config(const std::string& upstream_url, const std::string& more = {},
                                const std::string& timeout = "2s") {
  return R"(
workers: 1
listeners: [{address: "127.0.0.1:0"}]
log: {access: stdout, audit: "off"}
upstreams: {api: {servers: [")" +
         upstream_url + R"("]}}
routes: [{path: /, upstream: api, auth: none, max_body: 1GiB, timeout: )" +
         timeout + "}]\n" + more;
}

struct Proxy {
  explicit Proxy(const std::string& more = {})
      : gateway(SALLYPORT_BINARY, proxy_config(origin.url(), more)) {}

  Origin origin;
  GatewayProcess gateway;

  HttpClient client() const { return HttpClient(gateway.port()); }
  HttpConnection connect() const { return HttpConnection(gateway.port()); }
};

class ProxyTest : public ::testing::Test {
 protected:
  Proxy proxy;
};

// The most memory that the process ever held, in KiB; 0 where sanitizers make the figure meaningless.
inline long peak_memory_kib(pid_t pid) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  (void)pid;
  return 0;
#else
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      long kib = 0;
      status >> kib;
      return kib;
    }
  throw std::runtime_error("no VmHWM of process " + std::to_string(pid));
#endif
}

}  // namespace sallyport::testing
