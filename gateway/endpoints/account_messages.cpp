#include "gateway/endpoints/account_messages.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "auth/jose/base64url.hpp"
#include "gateway/webhook.hpp"

namespace sallyport::gateway::endpoints {
namespace {

enum class Kind { confirmation, reset };

std::string_view event_of(Kind kind) {
  return kind == Kind::confirmation ? "confirm_email" : "reset_password";
}

// What the coroutine needs of the request, which is over long before.
struct Job {
  Worker* worker = nullptr;
  ServingPtr serving;  // what its request began under: it goes on behind the request's back
  Kind kind = Kind::confirmation;
  Asked asked;
  std::optional<users::User> user;  // in place of `asked`
  std::string client, request_id;

  void audit(std::string_view who, std::string_view cause = {}) const {
    const std::string_view act =
        kind == Kind::confirmation ? "confirmation_requested" : "password_reset_requested";
    constexpr std::size_t kMaxName = 128;
    worker->audit({act, who.substr(0, kMaxName), {}, cause, client, request_id});
  }
};

void failed(std::exception_ptr error) {
  if (error) spdlog::error("a message to a user could not be made");
}

std::string random_id(Worker& worker) {
  const auto bytes = worker.chance();
  return jose::base64url_encode(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

// Has the account had its share? Each message counts, whoever asked for it.
Task<StoreResult<bool>> has_enough(const Job& job, const users::User& user) {
  const config::Throttle limit = job.serving->runtime->config.users.webhook->per_user;
  std::string key = "mail:" + user.id;
  auto count = co_await job.worker->stores().attempts->add(std::move(key), limit.window);
  if (!count) co_return count.error();
  co_return limit.attempts > 0 && *count > limit.attempts;
}

// One message to one user. Its place in the queue is taken already.
Task<bool> send_one(const Job& job, users::User user) {
  Worker& worker = *job.worker;
  const config::Users& rules = job.serving->runtime->config.users;
  const std::string page = job.kind == Kind::confirmation ? rules.confirmation.page : rules.reset.page;
  auto enough = co_await has_enough(job, user);
  if (!enough || *enough) {
    job.audit(user.id, enough ? "too_many_messages" : "store_unavailable");
    co_return false;
  }
  users::User copy = user;
  users::AccountService& accounts = job.serving->issuing->accounts;
  users::UserResult<users::IssuedToken> token = users::UserError{};
  if (job.kind == Kind::confirmation)
    token = co_await accounts.confirmation_token(std::move(copy));
  else
    token = co_await accounts.reset_token(std::move(copy));
  if (!token) {
    job.audit(user.id, "store_unavailable");
    co_return false;
  }
  Message message{event_of(job.kind),
                  random_id(worker),
                  user.id,
                  user.name,
                  user.email,
                  std::move(token->token),
                  worker.unix_now() + token->ttl};
  worker.webhook()->post(std::move(message), page);
  job.audit(user.id);
  co_return true;
}

bool is_meant(const Job& job, const users::User& user) {
  if (user.email.empty() || user.disabled) return false;
  return job.kind == Kind::reset || !user.email_confirmed;
}

Task<> run(Job job) {
  Worker& worker = *job.worker;
  std::vector<users::User> users;
  std::string cause = "unknown_user";
  if (job.user) {
    users.push_back(std::move(*job.user));
  } else {
    std::string name = job.asked.name, email = job.asked.email;
    auto found = co_await job.serving->issuing->accounts.whose(std::move(name), std::move(email));
    if (found)
      users = std::move(*found);
    else
      cause = "store_unavailable";
  }
  std::size_t meant = 0;
  bool placed = true;  // reserved by whoever started this
  for (users::User& user : users) {
    if (!is_meant(job, user)) continue;
    ++meant;
    if (!placed) placed = worker.webhook()->reserve();
    if (!placed) break;
    const bool sent = co_await send_one(job, std::move(user));
    if (sent) placed = false;  // the message has it now
  }
  if (placed) worker.webhook()->release();
  if (meant == 0) {
    if (!users.empty()) cause = "nothing_to_send";
    job.audit(job.asked.name.empty() ? job.asked.email : job.asked.name, cause);
  }
}

void start(Call call, Job job) {
  job.worker = &call.worker;
  job.serving = call.context.serving;
  job.client = call.context.provenance.client;
  job.request_id = call.context.provenance.request_id;
  Webhook* webhook = call.worker.webhook();
  if (webhook == nullptr || !call.config().users.webhook || !webhook->reserve()) {
    job.audit(job.user ? job.user->id : job.asked.name, "webhook_full");
    return;
  }
  spawn(call.worker.executor(), run(std::move(job)), failed);
}

}  // namespace

void send_confirmation(Call call, users::User user) {
  Job job;
  job.kind = Kind::confirmation;
  job.user = std::move(user);
  start(call, std::move(job));
}

void send_confirmation(Call call, Asked asked) {
  Job job;
  job.kind = Kind::confirmation;
  job.asked = std::move(asked);
  start(call, std::move(job));
}

void send_reset(Call call, Asked asked) {
  Job job;
  job.kind = Kind::reset;
  job.asked = std::move(asked);
  start(call, std::move(job));
}

}  // namespace sallyport::gateway::endpoints
