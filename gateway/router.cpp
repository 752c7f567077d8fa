// The route table: one hash over the path, looked up at each slash. See router.hpp.
#include "gateway/router.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "gateway/endpoints/catalogue.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

// FNV-1a: can be taken further byte by byte, so that one walk over a path hashes all its prefixes.
constexpr std::uint64_t step(std::uint64_t hash, char c) {
  return (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
}

constexpr std::uint64_t start(std::uint32_t group) {
  return (0xcbf29ce484222325ULL ^ group) * 0x100000001b3ULL;
}

// The low bits of FNV alone are poor for a power-of-two table.
constexpr std::size_t slot_of(std::uint64_t hash) {
  return static_cast<std::size_t>(hash ^ (hash >> 29) ^ (hash >> 47));
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

void strip_final_dot(std::string& host) {
  if (!host.empty() && host.back() == '.') host.pop_back();
}

bool overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  // A route for all methods beside one for some is no conflict: the named method is more specific.
  if (a.empty() || b.empty()) return a.empty() && b.empty();
  return std::any_of(a.begin(), a.end(),
                     [&](const std::string& m) { return std::find(b.begin(), b.end(), m) != b.end(); });
}

}  // namespace

std::uint32_t Router::group_of(const std::string& host) {
  if (host.empty()) return 0;
  std::string name = lower_case(host);
  strip_final_dot(name);
  const bool wildcard = name.rfind("*.", 0) == 0;
  Groups& groups = wildcard ? wildcards_ : exact_hosts_;
  const auto [it, fresh] = groups.try_emplace(wildcard ? name.substr(2) : name, groups_);
  if (fresh) ++groups_;
  return it->second;
}

Router::Place& Router::place_at(std::uint32_t group, const std::string& path, bool one_segment) {
  const std::string key = std::to_string(group) + (one_segment ? "*" : "") + path;
  const auto [it, fresh] = building_.try_emplace(key, static_cast<std::uint32_t>(places_.size()));
  if (fresh) places_.push_back({group, path, one_segment, {}, {}, {}});
  return places_[it->second];
}

void Router::add(const std::string& host, const std::string& path, bool one_segment, Choice choice,
                 const config::Mark& mark, const std::string& what, config::Problems& problems) {
  Place& place = place_at(group_of(host), path, one_segment);
  for (const Choice& other : place.choices) {
    if (!choice.is_endpoint && other.is_endpoint)
      problems.push_back({"", mark, what + " is a path of the gateway's own endpoints: move one of them"});
    else if (overlap(other.methods, choice.methods))
      problems.push_back({"", mark,
                          what + " has the same host, path and method as another route" +
                              (place.mark.line ? " (line " + std::to_string(place.mark.line) + ")" : "")});
    else
      continue;
    return;
  }
  if (place.mark.line == 0) place.mark = mark;
  place.choices.push_back(std::move(choice));
}

void Router::finish() {
  std::size_t size = 16;
  while (size < places_.size() * 2 + 2) size *= 2;
  table_.assign(size, 0);
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    Place& place = places_[i];
    std::set<std::string> methods;
    bool all = false;
    for (Choice& choice : place.choices) {
      const auto has = [&](const char* m) {
        return std::find(choice.methods.begin(), choice.methods.end(), m) != choice.methods.end();
      };
      if (has("GET") && !has("HEAD")) choice.methods.push_back("HEAD");
      methods.insert(choice.methods.begin(), choice.methods.end());
      all = all || choice.methods.empty();
    }
    if (!all)
      for (const std::string& method : methods) place.allow += (place.allow.empty() ? "" : ", ") + method;
    std::uint64_t hash = start(place.group);
    for (const char c : place.path) hash = step(hash, c);
    std::size_t slot = slot_of(hash) & (size - 1);
    while (table_[slot] != 0) slot = (slot + 1) & (size - 1);
    table_[slot] = i + 1;
  }
  building_.clear();
}

Router::Compiled Router::compile(const config::Config& config) {
  Compiled compiled;
  Router& router = compiled.router;
  for (const endpoints::Entry& entry : endpoints::catalogue()) {
    std::string path = endpoints::path_of(entry, config);
    if (path.empty()) continue;
    Choice choice;
    choice.methods = {std::string(entry.method)};
    choice.is_endpoint = true;
    choice.endpoint = entry.endpoint;
    const bool one = path.ends_with("/{id}");
    if (one) path.resize(path.size() - std::string_view("{id}").size());
    const std::string what = "endpoint " + path;
    router.add(config.auth.host, path, one, std::move(choice), {}, what, compiled.problems);
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const config::Route& route = config.routes[i];
    Choice choice;
    choice.methods = route.methods;
    choice.route = static_cast<std::uint32_t>(i);
    choice.encoded_slash = route.encoded_slash_pass;
    choice.empty_segments = route.empty_segments_pass;
    router.add(route.host, route.path, false, std::move(choice), route.mark,
               "route " + route.host + route.path, compiled.problems);
  }
  router.finish();
  return compiled;
}

const Router::Place* Router::find_place(std::uint32_t group, std::string_view path) const noexcept {
  const std::size_t mask = table_.size() - 1;
  const auto probe = [&](std::uint64_t hash, auto fits) -> const Place* {
    for (std::size_t slot = slot_of(hash) & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
      const Place& place = places_[table_[slot] - 1];
      if (place.group == group && fits(place)) return &place;
    }
    return nullptr;
  };
  const Place* best = nullptr;
  std::uint64_t hash = start(group);
  for (std::size_t i = 0; i < path.size(); ++i) {
    hash = step(hash, path[i]);
    if (path[i] != '/') continue;
    const std::string_view prefix = path.substr(0, i + 1);
    const std::string_view rest = path.substr(i + 1);
    const bool one = !rest.empty() && rest.find('/') == rest.npos;
    // One more segment exactly is more specific than everything below.
    const Place* found =
        one ? probe(hash, [&](const Place& p) { return p.one_segment && p.path == prefix; }) : nullptr;
    if (!found) found = probe(hash, [&](const Place& p) { return !p.one_segment && p.path == prefix; });
    if (found) best = found;
  }
  if (path.back() == '/') return best;  // the walk has seen the whole path
  if (const Place* own = probe(hash, [&](const Place& p) { return !p.one_segment && p.path == path; }))
    return own;
  const auto covers = [&](const Place& p) {
    return !p.one_segment && p.path.size() == path.size() + 1 && p.path.back() == '/' &&
           p.path.compare(0, path.size(), path) == 0;
  };
  const Place* with_slash = probe(step(hash, '/'), covers);
  return with_slash ? with_slash : best;
}

const Router::Place* Router::find_place(std::string_view host, std::string_view path) const noexcept {
  if (path.empty()) return nullptr;
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  std::array<char, 256> buffer;
  if (!host.empty() && host.size() <= buffer.size() && (!exact_hosts_.empty() || !wildcards_.empty())) {
    std::transform(host.begin(), host.end(), buffer.begin(), lower);
    const std::string_view name(buffer.data(), host.size());
    if (const auto it = exact_hosts_.find(name); it != exact_hosts_.end())
      if (const Place* place = find_place(it->second, path)) return place;
    const std::size_t dot = name.find('.');
    if (dot != name.npos && dot > 0)
      if (const auto it = wildcards_.find(name.substr(dot + 1)); it != wildcards_.end())
        if (const Place* place = find_place(it->second, path)) return place;
  }
  return find_place(0, path);
}

const Router::Choice* Router::choose(const Place& place, std::string_view method) const noexcept {
  const Choice* any = nullptr;
  for (const Choice& choice : place.choices) {
    if (choice.methods.empty()) any = &choice;
    for (const std::string& mine : choice.methods)
      if (mine == method) return &choice;
  }
  return any;
}

Match Router::match(std::string_view host, std::string_view path, std::string_view method) const noexcept {
  Match match;
  const Place* place = find_place(host, path);
  if (!place) return match;
  const Choice* choice = choose(*place, method);
  const Choice& shown = choice ? *choice : place->choices.front();
  match.has_route = !shown.is_endpoint;
  match.route = shown.route;
  match.endpoint = shown.endpoint;
  match.allow = place->allow;
  if (!choice) {
    match.kind = Match::Kind::method_not_allowed;
    return match;
  }
  match.kind = choice->is_endpoint ? Match::Kind::endpoint : Match::Kind::route;
  if (place->one_segment) match.id = path.substr(place->path.size());
  return match;
}

Match Router::find(std::string_view host, const NormalPath& path, std::string_view method) const {
  Match match;
  match.kind = Match::Kind::bad_path;
  if (!path.good()) return match;
  const Match strict = this->match(host, path.path, method);
  if (!path.doubtful()) return strict;
  const Place* place = find_place(host, path.path);
  const Choice* choice = place ? choose(*place, method) : nullptr;
  if (path.encoded_slash && !(choice && choice->encoded_slash)) return match;
  if (path.empty_segment && !(choice && choice->empty_segments)) return match;
  for (unsigned bits = 1; bits < 8; ++bits) {
    const Reading reading{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    const std::string other = read_as(path.path, reading);
    const Place* there = find_place(host, other);
    if (there != place) return match;
  }
  return strict;
}

}  // namespace sallyport::gateway
