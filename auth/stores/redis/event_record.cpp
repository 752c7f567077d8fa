#include "auth/stores/redis/event_record.hpp"

#include <array>

#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {

using revocation::Event;
using revocation::Kind;

namespace {

constexpr std::array<std::string_view, 5> kKinds{"token", "session", "user", "key", "everything"};

std::optional<UnixSeconds> parse_seconds(std::string_view text) {
  const auto seconds = parse_number<std::int64_t>(text);
  if (!seconds) return std::nullopt;
  return UnixSeconds(std::chrono::seconds(*seconds));
}

std::optional<Kind> parse_kind(std::string_view text) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i] == text) return static_cast<Kind>(i);
  return std::nullopt;
}

std::string seconds_text(UnixSeconds t) { return std::to_string(t.time_since_epoch().count()); }

// False: the value isn't what this field holds. A field that we don't know is of a later version of ours.
bool take_field(std::string_view name, const std::string& value, Event& event, unsigned& needed) {
  if (name == "kind") {
    const auto kind = parse_kind(value);
    if (kind) event.kind = *kind;
    needed &= ~1u;
    return kind.has_value();
  }
  if (name == "until") {
    const auto until = parse_seconds(value);
    if (until) event.until = *until;
    needed &= ~2u;
    return until.has_value();
  }
  if (name == "before") {
    if (value.empty()) return true;
    event.before = parse_seconds(value);
    return event.before.has_value();
  }
  if (name == "epoch") {
    const auto epoch = parse_number<std::uint64_t>(value);
    if (epoch) event.epoch = *epoch;
    return epoch.has_value();
  }
  if (name == "issuer") event.issuer = value;
  if (name == "id") event.id = value;
  if (name == "reason") event.reason = value;
  return true;
}

}  // namespace

void add_event_words(const Event& event, std::vector<std::string>& words) {
  words.emplace_back(kKinds.at(static_cast<std::size_t>(event.kind)));
  words.push_back(event.issuer);
  words.push_back(event.id);
  words.push_back(seconds_text(event.until));
  words.push_back(event.before ? seconds_text(*event.before) : std::string());
  words.push_back(std::to_string(event.epoch));
  words.push_back(event.reason);
}

std::optional<revocation::Entry> read_entry(const Reply& entry) {
  if (!entry.is_array() || entry.elements.size() != 2 || !entry.elements[0].is_string() ||
      !entry.elements[1].is_array() || entry.elements[1].elements.size() % 2 != 0)
    return std::nullopt;
  revocation::Entry out;
  out.cursor = entry.elements[0].text;
  unsigned needed = 3;  // kind, until
  const auto& fields = entry.elements[1].elements;
  for (std::size_t i = 0; i < fields.size(); i += 2)
    if (!take_field(fields[i].text, fields[i + 1].text, out.event, needed)) return std::nullopt;
  if (needed != 0 || !is_cursor(out.cursor)) return std::nullopt;
  const auto millis =
      parse_number<std::int64_t>(std::string_view(out.cursor).substr(0, out.cursor.find('-')));
  if (millis) out.appended = UnixMillis(std::chrono::milliseconds(*millis));
  return out;
}

bool is_cursor(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  return parse_number<std::uint64_t>(text.substr(0, dash)) &&
         parse_number<std::uint64_t>(text.substr(dash + 1));
}

}  // namespace sallyport::stores::redis
