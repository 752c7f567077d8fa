#include "gateway/judge.hpp"

#include <array>

#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kMaxAuthorizationFields = 2;  // two are refused like twenty

}  // namespace

Verdict answer_of(policy::Verdict verdict) {
  switch (verdict) {
    case policy::Verdict::token_missing:
      return Verdict::token_missing;
    case policy::Verdict::token_malformed:
      return Verdict::token_malformed;
    case policy::Verdict::token_expired:
      return Verdict::token_expired;
    case policy::Verdict::token_revoked:
      return Verdict::token_revoked;
    case policy::Verdict::forbidden:
      return Verdict::forbidden;
    case policy::Verdict::store_unavailable:
      return Verdict::store_unavailable;
    default:
      return Verdict::token_invalid;
  }
}

policy::Credential credential_of(const RequestHead& head) {
  std::array<std::string_view, kMaxAuthorizationFields> values;
  std::size_t count = 0;
  for (const Field& field : head.fields)
    if (field.id == FieldId::authorization && count < values.size()) values[count++] = field.value;
  return policy::parse_authorization(std::span<const std::string_view>(values.data(), count));
}

std::optional<Verdict> judge(Worker& worker, const RequestHead& head, const policy::RoutePolicy& policy,
                             RequestContext& context) {
  if (policy.auth == config::AuthMode::none) return std::nullopt;
  policy::Decision decision =
      worker.authenticator().decide(credential_of(head), policy, worker.unix_now(), worker.freshness());
  context.claims = std::move(decision.claims);
  if (decision.reason) context.reason = jose::to_string(*decision.reason);
  // Our own keys are on their way from the store: nobody is logged out for that.
  if (decision.reason == jose::TokenError::unknown_key && context.runtime().issues_tokens() &&
      !worker.keys()->signing)
    return Verdict::store_unavailable;
  if (!passes(decision.verdict)) return answer_of(decision.verdict);
  if (decision.unchecked) context.reason = "revocations_unchecked";
  if (decision.first_seen && context.claims) worker.confirm(context.claims);
  return std::nullopt;
}

}  // namespace sallyport::gateway
