#include "tests/support/refresh_history.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "auth/jose/base64url.hpp"

namespace sallyport::testing {
namespace {

using Time = Act::Time;

// "v1." base64url( key id (8) | session (24) | generation (4, big endian) | MAC (32) )
constexpr std::size_t kKeyId = 8, kSession = 24, kGeneration = 4, kMac = 32;

bool worked(const Act& act) { return act.status >= 200 && act.status < 300; }

std::string text_of(const Act& act) {
  static constexpr const char* kKinds[]{"login", "refresh", "logout", "call"};
  std::ostringstream out;
  out << kKinds[static_cast<int>(act.kind)] << " of session " << act.session;
  if (const auto name = name_of_token(act.presented)) out << " with generation " << name->generation;
  out << ": " << (act.status == 0 ? "cut" : std::to_string(act.status));
  if (!act.error.empty()) out << " " << act.error;
  if (const auto name = name_of_token(act.received)) out << ", received generation " << name->generation;
  return out.str();
}

// All that was done with one session.
class Judge {
 public:
  Judge(const HistoryRules& rules, Findings& findings) : rules_(rules), findings_(findings) {}

  void add(const Act& act) { acts_.push_back(&act); }

  void run() {
    for (const Act* act : acts_) {
      if (act->kind != Act::Kind::logout) continue;
      if (!first_try_ || act->sent < *first_try_) first_try_ = act->sent;
      if (worked(*act) && (!ended_ || act->done < *ended_)) ended_ = act->done;
    }
    for (const Act* act : acts_) {
      if (act->kind == Act::Kind::refresh) judge_refresh(*act);
      if (act->kind == Act::Kind::call) judge_call(*act);
      if (!act->received.empty()) one_token_of_each_generation(*act);
    }
    never_back();
  }

 private:
  static void say(std::vector<std::string>& where, const Act& act, const char* why) {
    where.push_back(text_of(act) + ": " + why);
  }

  // Nobody asked for its end before this answer came.
  bool should_live(const Act& act) const { return !first_try_ || act.done < *first_try_; }

  void judge_refresh(const Act& act) {
    if (act.status == 0) return;
    if (worked(act)) {
      const auto from = name_of_token(act.presented), to = name_of_token(act.received);
      if (!from || !to || to->session != from->session || to->generation != from->generation + 1)
        say(findings_.lineages, act, "the successor of a generation is the next one of its session");
      if (ended_ && act.sent > *ended_) say(findings_.resurrected, act, "after its end was acknowledged");
    } else if (act.status == 401 && should_live(act)) {
      say(findings_.lost, act, "nobody had ended it");
    }
  }

  void judge_call(const Act& act) {
    if (worked(act) && ended_) {
      const Time bound = *ended_ + (act.elsewhere ? rules_.revocation_bound : std::chrono::milliseconds(0));
      if (act.sent > bound) say(findings_.resurrected, act, "past the bound after its end was acknowledged");
    } else if (act.status == 401 && act.error == "token_revoked" && should_live(act)) {
      say(findings_.lost, act, "nobody had ended it");
    }
  }

  void one_token_of_each_generation(const Act& act) {
    const auto name = name_of_token(act.received);
    if (!name) return say(findings_.lineages, act, "this is no refresh token");
    const auto [known, fresh] = tokens_.emplace(name->generation, act.received);
    if (!fresh && known->second != act.received)
      say(findings_.lineages, act, "another token of this generation was given out before");
  }

  // Once a generation was given out, only it and the next one may follow: whoever asks later with a token of
  // two before would get a generation that is over.
  void never_back() {
    std::vector<const Act*> by_done, by_sent;
    for (const Act* act : acts_)
      if (worked(*act) && !act->received.empty()) by_done.push_back(act), by_sent.push_back(act);
    std::sort(by_done.begin(), by_done.end(), [](auto* a, auto* b) { return a->done < b->done; });
    std::sort(by_sent.begin(), by_sent.end(), [](auto* a, auto* b) { return a->sent < b->sent; });
    std::uint32_t highest = 0;
    std::size_t done = 0;
    for (const Act* act : by_sent) {
      for (; done < by_done.size() && by_done[done]->done < act->sent; ++done)
        if (const auto name = name_of_token(by_done[done]->received))
          highest = std::max(highest, name->generation);
      const auto name = name_of_token(act->received);
      if (name && name->generation < highest)
        say(findings_.lineages, *act, "a later generation had been given out before it was asked for");
    }
  }

  const HistoryRules& rules_;
  Findings& findings_;
  std::vector<const Act*> acts_;
  std::optional<Time> first_try_, ended_;  // of a logout: when first sent, when first acknowledged
  std::map<std::uint32_t, std::string> tokens_;
};

void append(std::ostringstream& out, const char* what, const std::vector<std::string>& findings) {
  constexpr std::size_t kShown = 10;
  if (findings.empty()) return;
  out << findings.size() << " " << what << ":\n";
  for (std::size_t i = 0; i < std::min(kShown, findings.size()); ++i) out << "  " << findings[i] << "\n";
}

}  // namespace

std::optional<TokenName> name_of_token(std::string_view refresh_token) {
  if (!refresh_token.starts_with("v1.")) return std::nullopt;
  const auto bytes = jose::base64url_decode(refresh_token.substr(3));
  if (!bytes || bytes->size() != kKeyId + kSession + kGeneration + kMac) return std::nullopt;
  TokenName name;
  name.session = jose::base64url_encode({reinterpret_cast<const char*>(bytes->data()) + kKeyId, kSession});
  for (std::size_t i = 0; i < kGeneration; ++i)
    name.generation = name.generation << 8 | static_cast<unsigned char>((*bytes)[kKeyId + kSession + i]);
  return name;
}

std::string Findings::text() const {
  std::ostringstream out;
  append(out, "lost", lost);
  append(out, "of a second lineage", lineages);
  append(out, "resurrected", resurrected);
  return out.str();
}

Findings judge(const std::vector<Act>& history, const HistoryRules& rules) {
  Findings findings;
  std::map<std::string, Judge> sessions;
  for (const Act& act : history) sessions.try_emplace(act.session, rules, findings).first->second.add(act);
  for (auto& [session, judged] : sessions) judged.run();
  return findings;
}

}  // namespace sallyport::testing
