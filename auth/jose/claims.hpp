// What a verified token says. Immutable once built and shared by the cache and the requests of one worker.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/jose/algorithm.hpp"
#include "auth/time.hpp"

namespace sallyport::jose {

// A claim by name, or by a path with dots where no member has the whole name ("realm_access.roles"). nullptr:
// none.
const boost::json::value* find_claim(const boost::json::object& claims, std::string_view path);

struct Claims {
  Claims() = default;
  Claims(const Claims&) = default;
  Claims& operator=(const Claims&) = delete;  // would free what `all` lies in first
  explicit Claims(boost::json::object&& every) : all(std::move(every)) {}  // stays where it lies

  // The members that each request needs, taken out of `all` once.
  std::string issuer;
  std::string subject;
  std::string token_id;    // jti; empty if the token has none
  std::string session_id;  // sid; empty if none
  std::string key_id;      // of the key that verified it (even where the token had no kid)
  Algorithm algorithm{};
  std::uint32_t generation = 0;  // gen (own tokens)
  std::uint64_t epoch = 0;       // global epoch (own tokens)
  bool own = false;              // issued by this gateway's issuer
  UnixSeconds issued_at{};
  std::optional<UnixSeconds> not_before;
  UnixSeconds expires{};
  std::vector<std::string> roles;   // from the configured claim: a string, or an array of strings
  std::vector<std::string> scopes;  // from `scope` (space separated) or `scp` (string or array)
  // Header lines by which upstreams are told of it (gateway/identity_headers.hpp), where they are written
  // once for all requests with this token. Empty: not yet, or nothing was fit.
  std::string lines;
  // What `all` lies in where that isn't the heap: it goes at once, not value by value. Copies of values lie
  // in it too, so none may outlive the claims.
  std::shared_ptr<const void> memory;
  boost::json::object all;  // every claim

  const boost::json::value* find(std::string_view path) const { return find_claim(all, path); }
};

}  // namespace sallyport::jose
