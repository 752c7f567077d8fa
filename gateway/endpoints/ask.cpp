#include "gateway/endpoints/ask.hpp"

namespace sallyport::gateway::endpoints {

Asked asked_in(Fields& fields) {
  Asked asked;
  asked.name = fields.optional("username").value_or(std::string());
  if (asked.name.empty()) asked.email = fields.optional("email").value_or(std::string());
  return asked;
}

Task<std::optional<Failure>> refuse_asking(Call call, const Fields& fields, const Asked& asked) {
  users::FieldProblems problems = fields.problems();
  if (problems.empty() && asked.name.empty() && asked.email.empty())
    problems["username"].emplace_back(kFieldRequired);
  if (!problems.empty()) co_return invalid_fields(std::move(problems));

  const config::Throttle limit = call.config().auth.throttle;
  if (limit.attempts == 0) co_return std::nullopt;
  const std::string& whom = asked.name.empty() ? asked.email : asked.name;
  std::string key = "ask:" + users::throttle_keys(whom, call.context.provenance.client).pair;
  const auto count = co_await call.worker.stores().attempts->add(std::move(key), limit.window);
  if (!count) co_return failure_of(count.error());
  if (*count <= limit.attempts) co_return std::nullopt;
  users::UserError error;
  error.kind = users::UserError::Kind::too_many_attempts;
  error.retry_after = limit.window;
  co_return failure_of(error);
}

Task<> answer_accepted(Call call) {
  Answer answer;
  answer.status = 202;
  answer.content_type = {};
  co_await answer_with(call, answer);
}

}  // namespace sallyport::gateway::endpoints
