// POST login: a name and a password for a session.
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/fields.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {

Task<> login(Call call) {
  // Or a foreign page could log somebody in as somebody else.
  if (call.config().auth.cookies.on && !from_our_pages(call))
    co_return co_await refuse(call.worker, call.exchange, call.context, Verdict::origin_refused);
  const auto body = co_await read_json(call, Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  const std::string name = fields.required("username");
  config::Secret password = fields.required_secret("password");
  sessions::Client client = client_of(call, fields.optional("device").value_or(std::string()));
  if (!fields.good()) {
    const Failure failure = invalid_fields(fields.problems());
    co_return co_await fail(call, failure);
  }

  std::string typed = name;
  std::string address = client.ip;
  auto user = co_await call.users().login(std::move(typed), std::move(password), std::move(address));
  if (!user) {
    const Failure failure = failure_of(user.error());
    audit(call, "login_failed", name, {}, failure.error);
    co_return co_await fail(call, failure);
  }
  auto opened = co_await call.sessions().open(std::move(*user), std::move(client));
  if (!opened) {
    const Failure failure = failure_of(opened.error());
    audit(call, "login_failed", name, {}, failure.error);
    co_return co_await fail(call, failure);
  }
  audit(call, "login", opened->user.id, opened->session_id);
  co_await answer_tokens(call, *opened);
}

}  // namespace sallyport::gateway::endpoints
