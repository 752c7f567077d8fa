// POST register: a new user, where the configuration lets anybody become one.
#include <chrono>

#include "gateway/endpoints/account_messages.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/documents.hpp"
#include "gateway/endpoints/fields.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {
namespace {

// Only what the configuration names is taken: nobody gives himself a role.
users::Registration registration_of(Fields& fields, const config::Users& rules) {
  users::Registration wanted;
  wanted.name = fields.optional("username").value_or(std::string());
  wanted.password = fields.optional_secret("password");
  wanted.email = fields.optional("email").value_or(std::string());
  for (const config::ProfileField& field : rules.profile)
    if (is_profile_field(field.name))
      if (auto value = fields.optional(field.name)) wanted.profile.emplace(field.name, std::move(*value));
  return wanted;
}

}  // namespace

Task<> register_user(Call call) {
  const config::Users& rules = call.config().users;
  if (!rules.registration)
    co_return co_await refuse(call.worker, call.exchange, call.context, Verdict::not_found);
  const auto body = co_await read_json(call, Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  users::Registration wanted = registration_of(fields, rules);
  if (!fields.good()) {
    users::FieldProblems problems = users::registration_problems(wanted, rules);
    for (const auto& [name, messages] : fields.problems()) problems[name] = messages;
    const Failure failure = invalid_fields(std::move(problems));
    co_return co_await fail(call, failure);
  }

  std::string id = users::new_user_id();
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto user = co_await call.users().register_user(std::move(wanted), std::move(id), now);
  if (!user) {
    const Failure failure = failure_of(user.error());
    co_return co_await fail(call, failure);
  }
  audit(call, "registered", user->id);
  if (rules.require_confirmed_email && rules.webhook) send_confirmation(call, *user);
  const std::string answer = call.dialect().created(user_json(*user, rules.profile));
  co_await answer_json(call, 201, answer);
}

}  // namespace sallyport::gateway::endpoints
