// URLs of stores taken apart. The errors never repeat the text, because a URL may carry a password.
#include <optional>

#include "config/units.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 2.1, for user and password; nothing for a broken escape.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// What kind of Redis a scheme means. `seed_port` is where its nodes listen unless the URL says otherwise.
struct Scheme {
  std::string_view name;
  RedisMode mode = RedisMode::single;
  bool tls = false;
  bool unix_socket = false;
  std::uint16_t seed_port = 6379;
};
constexpr Scheme kSchemes[] = {
    {.name = "redis"},
    {.name = "rediss", .tls = true},
    {.name = "redis+unix", .unix_socket = true},
    {.name = "redis+sentinel", .mode = RedisMode::sentinel, .seed_port = 26379},
    {.name = "rediss+sentinel", .mode = RedisMode::sentinel, .tls = true, .seed_port = 26379},
    {.name = "redis+cluster", .mode = RedisMode::cluster},
    {.name = "rediss+cluster", .mode = RedisMode::cluster, .tls = true},
};

constexpr std::size_t kMostSeeds = 64;

// The user and password before the @, which are cut off `rest`. The last @ before the path counts: a password
// may hold one that somebody forgot to escape.
std::optional<Flaw> take_credentials(std::string_view& rest, bool unix_socket, StorePlace& out) {
  const auto before_path = rest.substr(0, unix_socket ? std::string_view::npos : rest.find('/'));
  const auto at = before_path.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto credentials = rest.substr(0, at);
  const auto colon = credentials.find(':');
  if (colon == std::string_view::npos)
    return Flaw{"before the @ write user:password, or :password without a user"};
  auto user = percent_decoded(credentials.substr(0, colon));
  auto password = percent_decoded(credentials.substr(colon + 1));
  if (!user || !password) return Flaw{"% in user or password is written %25"};
  out.user = std::move(*user);
  out.password = Secret(std::move(*password));
  rest = rest.substr(at + 1);
  return std::nullopt;
}

std::optional<Flaw> read_seeds(std::string_view text, std::uint16_t port, std::vector<Address>& seeds) {
  for (;;) {
    const auto comma = text.find(',');
    auto address = parse_host_port(text.substr(0, comma), port);
    if (!address) return address.error();
    if (address->port == 0) return Flaw{"the port is not a number from 1 to 65535"};
    if (seeds.size() == kMostSeeds)
      return Flaw{"there are more than 64 addresses; some of the nodes will do"};
    seeds.push_back(std::move(*address));
    if (comma == std::string_view::npos) return std::nullopt;
    text.remove_prefix(comma + 1);
  }
}

// Sentinel's own rule for names of masters.
bool is_master_name(std::string_view text) {
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '-' && c != '_') return false;
  }
  return !text.empty();
}

std::string print_seeds(const std::vector<Address>& seeds) {
  std::string out;
  for (const Address& seed : seeds) out += (out.empty() ? "" : ",") + print_address(seed);
  return out;
}

// `rest` is a path of a socket, or addresses and what stands behind their slash.
Parsed<StorePlace> parse_redis(std::string_view rest, const Scheme& scheme) {
  StorePlace out;
  out.kind = StoreKind::redis;
  out.mode = scheme.mode;
  out.tls = scheme.tls;
  if (auto flaw = take_credentials(rest, scheme.unix_socket, out)) return *flaw;
  out.url = std::string(scheme.name) + "://";
  std::string_view database;
  if (scheme.unix_socket) {
    const auto query = rest.find('?');
    if (query != std::string_view::npos) {
      if (!rest.substr(query).starts_with("?db=")) return Flaw{"the only parameter here is ?db=0"};
      database = rest.substr(query + 4);
    }
    out.path = rest.substr(0, query);
    if (!out.path.starts_with('/'))
      return Flaw{"the socket needs an absolute path: redis+unix:///run/redis.sock"};
    out.url += out.path;
  } else {
    const auto slash = rest.find('/');
    if (auto flaw = read_seeds(rest.substr(0, slash), scheme.seed_port, out.seeds)) return *flaw;
    if (slash != std::string_view::npos) database = rest.substr(slash + 1);
    out.url += print_seeds(out.seeds);
  }
  if (scheme.mode == RedisMode::sentinel) {
    const auto slash = database.find('/');
    out.master = database.substr(0, slash);
    if (!is_master_name(out.master))
      return Flaw{"behind the Sentinels stands the name of the master: redis+sentinel://a,b,c/mymaster"};
    out.url += "/" + out.master;
    database = slash == std::string_view::npos ? std::string_view{} : database.substr(slash + 1);
  }
  if (!database.empty()) {
    const auto number = parse_number(database);
    if (!number || *number > 65535) return Flaw{"the database is not a number"};
    out.database = static_cast<int>(*number);
  }
  if (scheme.mode == RedisMode::cluster && out.database != 0)
    return Flaw{"a Cluster has no databases but 0; remove it"};
  if (scheme.mode == RedisMode::single && !scheme.unix_socket) {
    if (out.seeds.size() > 1)
      return Flaw{"this means one server; for several write redis+sentinel:// or redis+cluster://"};
    out.address = std::move(out.seeds.front());
    out.seeds.clear();
  }
  if (out.database != 0) out.url += (scheme.unix_socket ? "?db=" : "/") + std::to_string(out.database);
  return out;
}

}  // namespace

Parsed<StorePlace> parse_store(std::string_view url, const std::string& folder) {
  if (url == "memory:") return StorePlace{};
  if (url.starts_with("sqlite:")) {
    auto path = url.substr(7);
    if (path.starts_with("//")) path.remove_prefix(2);
    if (path.empty()) return Flaw{"the file is missing: sqlite:state.db"};
    StorePlace out;
    out.kind = StoreKind::sqlite;
    out.path = resolved(path, folder);
    out.url = "sqlite:" + out.path;
    return out;
  }
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return Flaw{};
  for (const Scheme& scheme : kSchemes)
    if (scheme.name == url.substr(0, colon)) return parse_redis(url.substr(colon + 3), scheme);
  return Flaw{};
}

}  // namespace sallyport::config
