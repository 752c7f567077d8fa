// What state.json of a key folder says: which keys there are, and what each is for. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/keys.hpp"
#include "auth/time.hpp"

namespace sallyport::jose {

struct KeyInfo {
  std::string id, kind, state;  // kind: the algorithm, or "refresh"; state: next, current, retired
  UnixSeconds created{};
  std::optional<UnixSeconds> retired;
  std::optional<UnixSeconds> since;  // when it became current, where it was next before

  bool is_refresh() const { return kind == "refresh"; }
  bool is_next() const { return state == "next"; }
  bool is_current() const { return state == "current"; }
  bool is_retired() const { return state == "retired"; }
  UnixSeconds current_since() const { return since.value_or(created); }
};

using Entries = std::vector<KeyInfo>;  // oldest first, as in state.json

inline constexpr std::size_t kMaxKeys = 128, kMaxStateSize = 64 * 1024;
inline constexpr std::size_t kRefreshId = 8;

// The error says what is wrong with the text.
KeyResult<Entries> parse_state(std::string_view text);
std::string write_state(const Entries& entries);

KeyInfo* current_of(Entries& entries, bool refresh);      // nullptr: none
KeyInfo* next_of(Entries& entries, Algorithm algorithm);  // signing keys alone

bool good_key_id(std::string_view id);  // may become part of a file's name
std::string signing_file(std::string_view id);
std::string refresh_file(std::string_view id);
std::string file_of(const KeyInfo& key);

// What the current key does for others from now on; a next one (if any) takes its place.
void retire_current(Entries& entries, bool refresh, UnixSeconds now);
bool promote_next(Entries& entries, Algorithm algorithm, UnixSeconds now);

}  // namespace sallyport::jose
