// What clients saw of their sessions, and the proof that it was right: no session lost, no second lineage,
// none that came back to life (CONTRACT section 4). Pure: a recorded history in, what is wrong with it out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::testing {

// Session and generation as a refresh token names them; nullopt: it is no refresh token.
struct TokenName {
  std::string session;  // as in its `sid`
  std::uint32_t generation = 0;
};
std::optional<TokenName> name_of_token(std::string_view refresh_token);

// One request and what came of it. `sent` is before its first byte went out, `done` after its answer was
// read; where the client cut the connection there is no answer, and nobody knows what became of it.
struct Act {
  enum class Kind : std::uint8_t { login, refresh, logout, call };
  using Time = std::chrono::steady_clock::time_point;

  Kind kind = Kind::refresh;
  std::string session;    // whose
  std::string presented;  // refresh: the token
  Time sent{}, done{};
  int status = 0;  // 0: cut
  std::string error;
  std::string received;    // login, refresh: the refresh token that came
  bool elsewhere = false;  // call: at another gateway than the one that was told of the logout
};

struct HistoryRules {
  // How long after an acknowledged logout another gateway may still take the session's access tokens.
  std::chrono::milliseconds revocation_bound{5000};
};

struct Findings {
  std::vector<std::string> lost;         // a client that did all right was logged out
  std::vector<std::string> lineages;     // two tokens of one generation, or a generation from nowhere
  std::vector<std::string> resurrected;  // something worked after the session's end was acknowledged
  bool none() const { return lost.empty() && lineages.empty() && resurrected.empty(); }
  std::string text() const;  // all of them, for a message
};

Findings judge(const std::vector<Act>& history, const HistoryRules& rules = {});

}  // namespace sallyport::testing
