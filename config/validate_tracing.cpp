// The rules about the collector that spans are sent to.
#include <algorithm>

#include "config/judge.hpp"
#include "config/names.hpp"
#include "config/suggest.hpp"

namespace sallyport::config {
namespace {

std::string header_flaw(const std::string& name) {
  if (!is_token(name)) return in_quotes(name) + " is no header name";
  std::string lower = name;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (is_hop_by_hop(name) || lower == "content-type" || lower == "content-encoding" || lower == "user-agent")
    return "the gateway sets this itself";
  return {};
}

}  // namespace

void judge_tracing(const Config& config, Judge& judge) {
  if (!config.tracing) return;
  // Collectors stand next door as a rule, without TLS: what could be stolen is what the headers say.
  const bool keys = !config.tracing->headers.empty();
  judge.called(config.tracing->endpoint, "tracing.endpoint",
               keys ? "the headers of these calls cross the network in clear; use https" : nullptr);
  for (const auto& [name, value] : config.tracing->headers) {
    const std::string where = "tracing.headers." + name;
    if (const auto flaw = header_flaw(name); !flaw.empty()) judge.problem(where, flaw);
    const auto text = value.reveal();
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (c >= ' ' && c < 0x7f); }))
      judge.problem(where, "the value holds a line break or another byte that a header can't carry");
  }
}

}  // namespace sallyport::config
