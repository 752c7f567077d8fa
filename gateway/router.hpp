// Finds what serves a request: a route, or an endpoint of the gateway. Compiled once from the configuration,
// immutable then. Host specificity first, then the longest path; never a less specific route because of the
// method (CONTRACT section 3, 3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.hpp"
#include "config/load.hpp"
#include "gateway/path.hpp"

namespace sallyport::gateway {

enum class OwnEndpoint : std::uint8_t {
  register_,
  login,
  refresh,
  logout,
  sessions,
  session,
  password,
  reset_request,
  reset,
  confirm,
  me,
  ticket,
  verify,
  token,
  revoke,
  introspect,
  jwks,
  metadata,
  openapi,
  docs,
  account,  // the login and account page
  account_script,
  account_style,
};

struct Match {
  enum class Kind : std::uint8_t {
    route,
    endpoint,
    method_not_allowed,  // 405 with `allow`
    not_found,           // 404
    bad_path,  // 400: a doubtful path that its route doesn't permit, or that another reading would route
               // elsewhere
  };
  Kind kind = Kind::not_found;
  OwnEndpoint endpoint{};
  std::uint32_t route =
      0;  // index into Config::routes; with method_not_allowed the first of that path (for its CORS)
  bool has_route = false;  // `route` means something
  std::string_view id;     // of OwnEndpoint::session: the segment behind /sessions/, a view into the path
  std::string_view allow;  // "GET, HEAD, POST"; lives as long as the router
};

class Router {
 public:
  struct Compiled;
  // Problems: identical routes (same host, path and an overlapping method), a route in the place of an
  // endpoint.
  static Compiled compile(const config::Config& config);

  // `host` without port, in any case, a final dot is ignored. `path` must be canonical and free of doubts.
  // O(segments of the path); allocates nothing.
  Match match(std::string_view host, std::string_view path, std::string_view method) const noexcept;

  // The same for any normalised path: a doubtful one is bad_path unless its route permits the feature and
  // every plausible other reading of it has the same answer. A preflight is matched by
  // Access-Control-Request-Method.
  Match find(std::string_view host, const NormalPath& path, std::string_view method) const;

 private:
  struct Choice {                      // one route or endpoint of a place
    std::vector<std::string> methods;  // empty: all; HEAD is added where GET stands
    bool is_endpoint = false;
    OwnEndpoint endpoint{};
    std::uint32_t route = 0;
    bool encoded_slash = false;
    bool empty_segments = false;
  };
  struct Place {  // one host and path
    std::uint32_t group = 0;
    std::string path;          // with its final slash, if any
    bool one_segment = false;  // path is ".../" and exactly one segment follows
    std::vector<Choice> choices;
    std::string allow;
    config::Mark mark;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Groups = std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>>;

  std::uint32_t group_of(const std::string& host);
  Place& place_at(std::uint32_t group, const std::string& path, bool one_segment);
  void add(const std::string& host, const std::string& path, bool one_segment, Choice choice,
           const config::Mark& mark, const std::string& what, config::Problems& problems);
  void finish();
  const Place* find_place(std::uint32_t group, std::string_view path) const noexcept;
  const Choice* choose(const Place& place, std::string_view method) const noexcept;
  const Place* find_place(std::string_view host, std::string_view path) const noexcept;

  Groups exact_hosts_;        // lower case
  Groups wildcards_;          // "example.com" for *.example.com
  std::uint32_t groups_ = 1;  // 0: any host
  std::vector<Place> places_;
  std::vector<std::uint32_t>
      table_;  // open addressing: index + 1 into places_, 0: free; a power of two, at most half full
  std::unordered_map<std::string, std::uint32_t> building_;  // only while compiling
};

struct Router::Compiled {
  Router router;  // meaningful only when `problems` is empty
  config::Problems problems;
};

}  // namespace sallyport::gateway
