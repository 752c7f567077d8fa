#include "gateway/http_users.hpp"

#include <utility>

#include "auth/users/text.hpp"
#include "gateway/remote_user.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024;
constexpr std::chrono::milliseconds kMaxBackOff{30'000};

StoreError failed(StoreError::Kind kind, std::string what) {
  return {kind, "the login API (users.http): " + std::move(what)};
}

}  // namespace

HttpUsers::HttpUsers(net::any_io_executor executor, Deadlines& deadlines, config::HttpUsers rules)
    : ForeignUsers("the login API"),
      rules_(std::move(rules)),
      caller_(std::move(executor), deadlines),
      breaker_({rules_.breaker.failures, rules_.breaker.back_off, kMaxBackOff}) {
  if (const auto url = parse_http_url(rules_.login)) caller_.expect(*url);
}

Task<HttpUsers::Answered> HttpUsers::call(HttpCall call) {
  if (calls_ >= rules_.calls)
    co_return failed(StoreError::Kind::overloaded,
                     std::to_string(calls_) + " calls are under way already (users.http.calls)");
  if (!breaker_.permits(std::chrono::steady_clock::now()))
    co_return failed(StoreError::Kind::unreachable,
                     "left alone after " + std::to_string(breaker_.failures()) + " failures in a row");
  call.timeout = rules_.timeout;
  call.max_answer = kMaxAnswer;
  call.fields.emplace_back("Accept", "application/json");
  if (!rules_.authorization.empty())
    call.fields.emplace_back("Authorization", std::string(rules_.authorization.reveal()));

  const bool probe = breaker_.began(std::chrono::steady_clock::now());
  ++calls_;
  auto answer = co_await caller_.call(std::move(call));
  --calls_;
  const bool well = answer && answer->status < 500;
  breaker_.ended(well ? upstream::Outcome::well : upstream::Outcome::failed, probe,
                 std::chrono::steady_clock::now());
  if (!answer) co_return failed(StoreError::Kind::unreachable, answer.error());
  co_return std::move(*answer);
}

Task<StoreResult<HttpUsers::Found>> HttpUsers::judge(std::string name, config::Secret password,
                                                     std::string address) {
  if (!users::askable(name)) co_return Found();
  HttpCall question;
  question.url = *parse_http_url(rules_.login);
  question.method = "POST";
  question.fields = {{"Content-Type", "application/json"}};
  if (!address.empty()) question.fields.emplace_back("X-Forwarded-For", std::move(address));
  question.body = login_body(rules_, name, password);
  auto answer = co_await call(std::move(question));
  if (!answer) co_return answer.error();
  switch (login_verdict(answer->status)) {
    case Verdict::no:
      co_return Found();
    case Verdict::other:
      co_return failed(StoreError::Kind::refused,
                       "login answers " + std::to_string(answer->status) + ", which is neither yes nor no");
    case Verdict::yes:
      break;
  }
  const Known known{std::move(name), {}};
  auto user = remote_user(answer->body, rules_.fields, known);
  if (!user) co_return failed(StoreError::Kind::corrupt, "login: " + user.error().text);
  co_return Found(std::move(*user));
}

Task<StoreResult<HttpUsers::Found>> HttpUsers::find_by_id(std::string_view id) {
  const Known known{{}, std::string(id)};
  if (!users::askable(known.id)) co_return Found();
  HttpCall question;
  question.url = *parse_http_url(state_url(rules_, known.id));
  auto answer = co_await call(std::move(question));
  if (!answer) co_return answer.error();
  switch (state_verdict(answer->status)) {
    case Verdict::no:
      co_return Found();
    case Verdict::other:
      co_return failed(StoreError::Kind::refused, "state answers " + std::to_string(answer->status));
    case Verdict::yes:
      break;
  }
  auto user = remote_user(answer->body, rules_.fields, known);
  if (!user) co_return failed(StoreError::Kind::corrupt, "state: " + user.error().text);
  co_return Found(std::move(*user));
}

Task<StoreResult<HttpUsers::Found>> HttpUsers::find_by_name(std::string_view) {
  co_return failed(StoreError::Kind::refused, "it can't be asked by name; give the user's id");
}

}  // namespace sallyport::gateway
