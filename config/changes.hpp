// What is another in one configuration than in another, by dotted key: for a reload to judge, and for logs
// and operators to read. Names settings and never tells their values, so it can show no secret; two secrets
// are compared all the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace sallyport::config {

struct Change {
  enum class Kind {
    changed,
    added,    // a whole item of a list: a route, an upstream, a listener, ...
    removed,  // likewise
  };
  Kind kind = Kind::changed;
  // "tokens.access_ttl", "upstreams.orders.servers", "routes[api.example.com/orders/].allow.roles". An item
  // of a list is called by what it is known by (a route's host and path, a listener's address, an issuer's
  // name), so that one that is put in front of others changes none of them.
  std::string key;

  std::string text() const;  // the key, with " added" or " removed" where it is a whole item
  bool operator==(const Change&) const = default;
};

// In the order of the settings. Where they stood in a file doesn't count. Pure.
std::vector<Change> changes(const Config& before, const Config& after);

// Is the key `setting` itself, or something in it ("tokens.refresh" of "tokens.refresh.idle_ttl")?
bool is_in(std::string_view key, std::string_view setting);
bool touch(const std::vector<Change>& changes, std::string_view setting);  // one of them is

}  // namespace sallyport::config
