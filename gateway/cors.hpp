// Cross-origin rules of a route or of the gateway's endpoints (Fetch standard). Compiled once; answers are
// header lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "gateway/message.hpp"

namespace sallyport::gateway {

// The method that a preflight asks for. Only a real preflight: OPTIONS with exactly one Origin and one
// Access-Control-Request-Method, which must be a token (SECURITY P5). Match the route with this method.
std::optional<std::string_view> preflight_method(const RequestHead& head);

class CorsPolicy {
 public:
  CorsPolicy() = default;
  // `methods`: what Access-Control-Allow-Methods says where the configuration names none (the route's; empty:
  // the usual seven). `expired_names` are exposed with the other fields that the gateway sets.
  CorsPolicy(const config::Cors& cors, const std::vector<std::string>& methods,
             const std::vector<std::string>& expired_names);

  bool on() const { return !origins_.empty(); }
  bool allows(std::string_view origin) const;

  // For every answer of the route, refusals too: Allow-Origin, Allow-Credentials, Expose-Headers where the
  // request's Origin is allowed; Vary: Origin always, so that no cache mixes them. Nothing where the policy
  // is off.
  void append_answer(std::string& out, const RequestHead& head) const;
  // The fields of a preflight's answer (204, no body). An origin that isn't allowed gets Vary only: the
  // browser refuses.
  void append_preflight(std::string& out, const RequestHead& head) const;

 private:
  void append_origin(std::string& out, std::string_view origin) const;

  std::vector<std::string> origins_;
  bool any_origin_ = false;
  bool credentials_ = false;
  std::string answer_;  // lines behind Allow-Origin
  std::string preflight_;
};

}  // namespace sallyport::gateway
