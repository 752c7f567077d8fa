#include "config/leaf.hpp"

#include <openssl/sha.h>

#include <algorithm>

#include "config/names.hpp"
#include "config/units.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

using Outcome = Leaf::Outcome;
const Outcome kOk{true, {}};  // a std::string isn't constexpr in every standard library

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " | ") + word;
  return out;
}

bool within(std::uint64_t value, const Rule& rule) {
  return value <= static_cast<std::uint64_t>(rule.max) && value >= static_cast<std::uint64_t>(rule.min);
}

// ", at least 1s, at most 10m": only what the rule narrows.
template <class Print>
std::string range(const Rule& rule, Print print) {
  std::string out;
  if (rule.min > 0) out += ", at least " + print(rule.min);
  if (rule.max != Rule{}.max) out += ", at most " + print(rule.max);
  return out;
}

// A leaf of a number in some unit: `read` gives nothing for text that is no such number.
template <class Read, class Store, class Show>
Leaf number_leaf(std::string allowed, const Rule& rule, Read read, Store store, Show show) {
  Leaf out;
  out.allowed = std::move(allowed);
  out.parse = [rule, read, store](std::string_view text, const std::string&) -> Outcome {
    const std::optional<std::uint64_t> value = read(text);
    if (!value || !within(*value, rule)) return {};
    store(*value);
    return kOk;
  };
  out.print = show;
  return out;
}

template <class T>
std::optional<std::uint64_t> count_of(std::optional<T> value) {
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(value->count());
}

}  // namespace

Words<RotationMode> words_of(RotationMode) {
  return {{"always", RotationMode::always}, {"never", RotationMode::never}};
}
Words<WhenFull> words_of(WhenFull) {
  return {{"evict_oldest", WhenFull::evict_oldest}, {"refuse", WhenFull::refuse}};
}
Words<Degraded> words_of(Degraded) {
  return {{"closed", Degraded::closed}, {"stale", Degraded::stale}, {"open", Degraded::open}};
}
Words<AuthMode> words_of(AuthMode) {
  return {{"required", AuthMode::required}, {"optional", AuthMode::optional}, {"none", AuthMode::none}};
}
Words<RetryOn> words_of(RetryOn) {
  return {{"connect", RetryOn::connect},
          {"reset", RetryOn::reset},
          {"502", RetryOn::bad_gateway},
          {"503", RetryOn::unavailable},
          {"504", RetryOn::gateway_timeout}};
}
Words<ProfileKind> words_of(ProfileKind) {
  return {{"text", ProfileKind::text},
          {"email", ProfileKind::email},
          {"phone", ProfileKind::phone},
          {"date", ProfileKind::date},
          {"number", ProfileKind::number}};
}
Words<ClientCertificates> words_of(ClientCertificates) {
  return {{"none", ClientCertificates::none},
          {"optional", ClientCertificates::optional},
          {"required", ClientCertificates::required}};
}
Words<Preset> words_of(Preset) {
  return {{"oauth2", Preset::oauth2},
          {"code-maze", Preset::code_maze},
          {"fullstackmark", Preset::fullstackmark},
          {"codepedia", Preset::codepedia},
          {"apothecaric", Preset::apothecaric}};
}
Words<Style> words_of(Style) {
  return {{"snake_case", Style::snake_case},
          {"camelCase", Style::camel_case},
          {"PascalCase", Style::pascal_case}};
}
Words<ErrorShape> words_of(ErrorShape) {
  return {{"oauth2", ErrorShape::oauth2},
          {"text", ErrorShape::text},
          {"code", ErrorShape::code},
          {"model_state", ErrorShape::model_state}};
}
Words<Grant> words_of(Grant) {
  return {{"password", Grant::password}, {"refresh_token", Grant::refresh_token}};
}
Words<StreamEnds> words_of(StreamEnds) {
  return {{"token", StreamEnds::token}, {"session", StreamEnds::session}};
}
Words<ClaimFormat> words_of(ClaimFormat) {
  return {{"comma", ClaimFormat::comma}, {"json", ClaimFormat::json}};
}

Leaf leaf(bool& value, const Rule&) {
  Leaf out;
  out.allowed = "true | false";
  out.words = {"true", "false"};
  out.parse = [&value](std::string_view text, const std::string&) -> Outcome {
    const bool yes = text == "true" || text == "on" || text == "yes";
    if (!yes && text != "false" && text != "off" && text != "no") return {};
    value = yes;
    return kOk;
  };
  out.print = [&value] { return std::string(value ? "true" : "false"); };
  return out;
}

Leaf leaf(unsigned& value, const Rule& rule) {
  Rule fits = rule;
  fits.max = std::min<std::int64_t>(rule.max, std::numeric_limits<unsigned>::max());
  return number_leaf(
      "a whole number" + range(rule, [](std::int64_t n) { return std::to_string(n); }), fits, parse_number,
      [&value](std::uint64_t n) { value = static_cast<unsigned>(n); },
      [&value] { return std::to_string(value); });
}

Leaf leaf(Millis& value, const Rule& rule) {
  const auto show = [](std::int64_t n) { return print_duration(Millis{n}); };
  return number_leaf(
      "a duration such as 500ms, 10s, 5m, 2h, 7d" + range(rule, show), rule,
      [](std::string_view text) { return count_of(parse_duration(text)); },
      [&value](std::uint64_t n) { value = Millis{static_cast<std::int64_t>(n)}; },
      [&value] { return print_duration(value); });
}

Leaf leaf(Seconds& value, const Rule& rule) {
  const auto show = [](std::int64_t n) { return print_duration(Seconds{n}); };
  return number_leaf(
      "a duration in whole seconds such as 10s, 5m, 2h, 7d" + range(rule, show), rule,
      [](std::string_view text) -> std::optional<std::uint64_t> {
        const auto parsed = count_of(parse_duration(text));
        if (!parsed || *parsed % 1000 != 0) return std::nullopt;
        return *parsed / 1000;
      },
      [&value](std::uint64_t n) { value = Seconds{static_cast<std::int64_t>(n)}; },
      [&value] { return print_duration(value); });
}

Leaf leaf(Size value, const Rule& rule) {
  const auto show = [](std::int64_t n) { return print_size(static_cast<std::uint64_t>(n)); };
  return number_leaf(
      "a size such as 500B, 64KiB, 10MiB, 1GiB" + range(rule, show), rule, parse_size,
      [&to = value.value](std::uint64_t n) { to = n; }, [&from = value.value] { return print_size(from); });
}

Leaf leaf(Count value, const Rule& rule) {
  return number_leaf(
      "a whole number" + range(rule, [](std::int64_t n) { return std::to_string(n); }), rule, parse_number,
      [&to = value.value](std::uint64_t n) { to = n; },
      [&from = value.value] { return std::to_string(from); });
}

Leaf leaf(Rate value, const Rule& rule) {
  return number_leaf(
      "a rate such as 500B/s, 64KiB/s, or off", rule, parse_rate,
      [&to = value.value](std::uint64_t n) { to = n; }, [&from = value.value] { return print_rate(from); });
}

Leaf leaf(Ratio value, const Rule&) {
  Leaf out;
  out.allowed = "a number from 0 to 1, such as 0.01";
  out.parse = [&to = value.value](std::string_view text, const std::string&) -> Outcome {
    const auto ratio = parse_ratio(text);
    if (!ratio) return {};
    to = *ratio;
    return kOk;
  };
  out.print = [&from = value.value] { return print_ratio(from); };
  return out;
}

Leaf leaf(Workers value, const Rule&) {
  auto out = number_leaf(
      "auto (one per core) or a whole number, at least 1, at most 1024", Rule{.max = 1024},
      [](std::string_view text) -> std::optional<std::uint64_t> {
        const auto number = parse_number(text);
        if (text == "auto") return 0;
        return number && *number > 0 ? number : std::nullopt;
      },
      [&to = value.value](std::uint64_t n) { to = static_cast<unsigned>(n); },
      [&from = value.value] { return from == 0 ? std::string("auto") : std::to_string(from); });
  out.words = {"auto"};
  return out;
}

Leaf leaf(std::string& value, const Rule&) {
  Leaf out;
  out.allowed = "text";
  out.set = !value.empty();
  out.parse = [&value](std::string_view text, const std::string&) -> Outcome {
    if (text.empty()) return {false, "it is empty; leave the key out instead"};
    value = text;
    return kOk;
  };
  out.print = [&value] { return value; };
  return out;
}

Leaf leaf(Secret& value, const Rule&) {
  Leaf out;
  out.allowed = "a secret, best as ${file:path} or ${env:NAME}";
  out.secret = true;
  out.set = !value.empty();
  out.parse = [&value](std::string_view text, const std::string&) -> Outcome {
    if (text.empty()) return {false, "it is empty"};
    value = Secret(std::string(text));
    return kOk;
  };
  out.print = [] { return std::string("***"); };
  out.digest = [&value] {
    std::string sum(SHA256_DIGEST_LENGTH, '\0');
    const auto text = value.reveal();
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(sum.data()));
    return sum;
  };
  return out;
}

Leaf leaf(Address& value, const Rule&) {
  Leaf out;
  out.allowed = "an IP address and port such as 0.0.0.0:8080 or \"[::]:8443\"";
  out.set = !value.host.empty();
  out.parse = [&value](std::string_view text, const std::string&) -> Outcome {
    auto parsed = parse_address(text);
    if (!parsed) return {false, parsed.error().text};
    value = std::move(*parsed);
    return kOk;
  };
  out.print = [&value] { return print_address(value); };
  return out;
}

Leaf leaf(Throttle& value, const Rule&) {
  Leaf out;
  out.allowed = "attempts per time such as 10/15m";
  out.parse = [&value](std::string_view text, const std::string&) -> Outcome {
    const auto parsed = parse_throttle(text);
    if (!parsed) return {};
    value = Throttle{parsed->first, parsed->second};
    return kOk;
  };
  out.print = [&value] { return std::to_string(value.attempts) + "/" + print_duration(value.window); };
  return out;
}

// least_requests, round_robin, hash subject, hash header X-Tenant
Leaf leaf(Balancing& value, const Rule&) {
  Leaf out;
  out.allowed = "least_requests | round_robin | hash subject | hash header NAME";
  out.words = {"least_requests", "round_robin", "hash subject", "hash header"};
  out.parse = [&value](std::string_view text, const std::string&) -> Outcome {
    constexpr std::string_view kHeader = "hash header ";
    if (text == "least_requests") {
      value = {Balance::least_requests, {}};
    } else if (text == "round_robin") {
      value = {Balance::round_robin, {}};
    } else if (text == "hash subject") {
      value = {Balance::hash, {}};
    } else if (text.starts_with(kHeader)) {
      text.remove_prefix(kHeader.size());
      if (!is_token(text)) return {false, "behind `hash header` the name of one header is expected"};
      value = {Balance::hash, std::string(text)};
    } else {
      return {};
    }
    return kOk;
  };
  out.print = [&value]() -> std::string {
    if (value.how == Balance::round_robin) return "round_robin";
    if (value.how == Balance::least_requests) return "least_requests";
    return value.header.empty() ? "hash subject" : "hash header " + value.header;
  };
  return out;
}

Leaf leaf(ServerUrl server, const Rule&) {
  Leaf out;
  out.allowed = "http://host:port, https://host:port or http+unix:/path";
  out.set = !server.value.url.empty();
  out.parse = [&value = server.value](std::string_view text, const std::string&) -> Outcome {
    auto parsed = parse_server(text);
    if (!parsed) return {false, parsed.error().text};
    parsed->weight = value.weight;
    value = std::move(*parsed);
    return kOk;
  };
  out.print = [&value = server.value] { return value.url; };
  return out;
}

Leaf leaf(Path value, const Rule& rule) {
  auto out = leaf(value.value, rule);
  out.allowed = "a path";
  for (const auto& word : value.words) out.allowed += " | " + word;
  out.parse = [&to = value.value, words = value.words](std::string_view text,
                                                       const std::string& folder) -> Outcome {
    if (text.empty()) return {false, "it is empty; leave the key out instead"};
    if (text.find('\0') != std::string_view::npos) return {};
    const bool word = std::find(words.begin(), words.end(), text) != words.end();
    to = word ? std::string(text) : resolved(text, folder);
    return kOk;
  };
  return out;
}

Leaf leaf(Choice value, const Rule& rule) {
  auto out = leaf(value.value, rule);
  out.allowed = joined(value.words);
  out.words = value.words;
  out.parse = [&to = value.value, words = value.words](std::string_view text, const std::string&) -> Outcome {
    if (std::find(words.begin(), words.end(), text) == words.end()) return {};
    to = text;
    return kOk;
  };
  return out;
}

Leaf leaf(Url value, const Rule& rule) {
  auto out = leaf(value.value, rule);
  out.allowed = "https://..., http://... or file:path";
  out.parse = [&to = value.value](std::string_view text, const std::string& folder) -> Outcome {
    if (text.starts_with("file:")) {
      auto path = text.substr(5);
      if (path.starts_with("//")) path.remove_prefix(2);
      if (path.empty()) return {false, "the file is missing: file:keys.json"};
      to = "file:" + resolved(path, folder);
      return kOk;
    }
    const bool https = text.starts_with("https://");
    if (!https && !text.starts_with("http://")) return {};
    const auto authority = text.substr(https ? 8 : 7);
    if (authority.empty() || authority.starts_with('/')) return {false, "the host is missing"};
    to = text;
    return kOk;
  };
  return out;
}

Leaf leaf(Endpoint value, const Rule& rule) {
  auto out = leaf(value.value, rule);
  out.allowed = "a path or off";
  out.words = {"off"};
  out.set = true;
  out.parse = [&to = value.value](std::string_view text, const std::string&) -> Outcome {
    if (text == "off") {
      to.clear();
      return kOk;
    }
    if (!text.starts_with('/')) return {};
    to = text;
    return kOk;
  };
  out.print = [&from = value.value] { return from.empty() ? std::string("off") : from; };
  return out;
}

Leaf leaf(PassOrRefuse value, const Rule&) {
  Leaf out;
  out.allowed = "refuse | pass";
  out.words = {"refuse", "pass"};
  out.parse = [&to = value.value](std::string_view text, const std::string&) -> Outcome {
    if (text != "pass" && text != "refuse") return {};
    to = text == "pass";
    return kOk;
  };
  out.print = [&from = value.value] { return std::string(from ? "pass" : "refuse"); };
  return out;
}

Leaf leaf(StoreUrl value, const Rule&) {
  Leaf out;
  out.allowed =
      "redis://host:6379/0, rediss://..., redis+unix:///path, redis+sentinel://a,b,c/name, "
      "redis+cluster://a,b,c, sqlite:state.db or memory:";
  out.words = {"memory:"};
  out.secret = true;  // a message never quotes it; dump prints the cleaned url by itself
  out.parse = [&to = value.value](std::string_view text, const std::string& folder) -> Outcome {
    auto parsed = parse_store(text, folder);
    if (!parsed) return {false, parsed.error().text};
    if (parsed->password.empty())
      parsed->password = std::move(to.password);  // given beside, whatever the order
    static_cast<StorePlace&>(to) = std::move(*parsed);
    return kOk;
  };
  out.print = [&from = value.value] { return from.url; };
  out.digest = [&from = value.value] { return from.user + "@" + from.url; };  // the password is a leaf itself
  return out;
}

}  // namespace sallyport::config
