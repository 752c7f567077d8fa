#include "gateway/endpoints/oauth.hpp"

#include <array>

#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {

Task<std::unique_ptr<OAuthCall>> read_oauth(Call call) {
  const RequestHead& head = call.exchange.request();
  if (!says_form(head)) {
    const OAuthFailure failure =
        oauth_failure("invalid_request", "Send the parameters as application/x-www-form-urlencoded");
    co_await oauth_fail(call, failure);
    co_return nullptr;
  }
  const auto text = co_await read_body(call);
  if (!text) co_return nullptr;
  auto form = Form::parse(text->reveal());
  if (!form) {
    const OAuthFailure failure = oauth_failure("invalid_request", form.error());
    co_await oauth_fail(call, failure);
    co_return nullptr;
  }
  std::array<std::string_view, 2> values;  // two are refused like twenty
  std::size_t count = 0;
  for (const Field& field : head.fields)
    if (field.id == FieldId::authorization && count < values.size()) values[count++] = field.value;
  auto client = authenticate(call.config().auth.clients, std::span(values.data(), count), *form);
  if (!client) {
    co_await oauth_fail(call, client.error());
    co_return nullptr;
  }
  co_return std::make_unique<OAuthCall>(OAuthCall{std::move(*form), std::move(*client)});
}

Task<> answer_oauth(Call call, std::string_view body) {
  Answer answer;
  answer.body = body;
  answer.lines = "Pragma: no-cache\r\n";
  co_await answer_with(call, answer);
}

Task<> oauth_fail(Call call, const OAuthFailure& failure) {
  call.context.refusal = failure.error;
  if (!failure.reason.empty()) call.context.reason = failure.reason;
  const std::string body = oauth_failure_json(failure, call.context.provenance.request_id);
  Answer answer;
  answer.status = failure.status;
  answer.body = body;
  answer.lines = "Pragma: no-cache\r\n";
  if (failure.status == 401)
    answer.lines += "WWW-Authenticate: Basic realm=\"sallyport\", charset=\"UTF-8\"\r\n";
  answer.retry_after = failure.retry_after;
  co_await answer_with(call, answer);
}

std::optional<std::string> owner_of(Call call, std::string_view refresh_token) {
  if (call.sessions().is_of(refresh_token, {})) return std::string();
  for (const config::Client& client : call.config().auth.clients)
    if (call.sessions().is_of(refresh_token, client.name)) return client.name;
  return std::nullopt;
}

std::shared_ptr<const jose::Claims> own_claims(Call call, std::string_view token) {
  auto claims = call.worker.authenticator().claims_of(token, call.worker.unix_now());
  if (!claims || !(*claims)->own) return nullptr;
  return std::move(*claims);
}

std::string_view client_of(const jose::Claims& claims) {
  const boost::json::value* name = claims.find("client_id");
  return name && name->is_string() ? std::string_view(name->get_string()) : std::string_view{};
}

}  // namespace sallyport::gateway::endpoints
