// Everything that one request was: filled on its way, written to the access log once, however it ended.
// Reused.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/jose/claims.hpp"
#include "auth/time.hpp"
#include "gateway/forwarded.hpp"

namespace sallyport::gateway {

struct CompiledRoute;
struct Runtime;
struct Serving;  // serving.hpp

void intrusive_ptr_add_ref(Serving* serving) noexcept;
void intrusive_ptr_release(Serving* serving) noexcept;
using ServingPtr = boost::intrusive_ptr<Serving>;

struct RequestContext {
  ServingPtr serving;  // what it began under, to its end; set before anything else
  SteadyTime began{};
  SteadyTime upstream_asked{};
  SteadyTime upstream_answered{};
  Trace trace;                       // sampled: spans of it go to the collector
  Provenance provenance;             // client address, request id, lines for the upstream
  std::string path_scratch;          // the normalised path, where it differs from what came
  std::string cors;                  // header lines for the answer
  std::string cookies;               // Set-Cookie lines for it (cookies.hpp)
  std::string identity;              // header lines for the upstream
  std::string upstream_head;         // the request head as sent
  std::string_view path;             // normalised; views live until the request ends
  std::optional<std::string> query;  // instead of the request's: a one-time ticket was taken out of it
  const CompiledRoute* route = nullptr;
  std::string_view endpoint;                   // "login", ... where we answered ourselves
  std::shared_ptr<const jose::Claims> claims;  // of whoever sent it, also where refused
  unsigned status = 0;                         // 0: none was sent
  std::string_view refusal;                    // `error` of the contract
  std::string reason;                          // for the log alone: which check, which server, which cause
  std::string_view server;                     // upstream server that answered
  unsigned attempts = 0;

  const Runtime& runtime() const;
  void clear();  // for the next request; keeps memory
};

}  // namespace sallyport::gateway
