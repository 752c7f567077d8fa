#include "gateway/admin/people.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

#include "auth/jose/strict_json.hpp"
#include "auth/sessions/ending.hpp"
#include "gateway/date.hpp"
#include "gateway/endpoints/form.hpp"
#include "gateway/messages.hpp"
#include "gateway/replies.hpp"
#include "gateway/revocations.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;

using admin::Act;

constexpr std::size_t kMostAtOnce = 500;
constexpr std::size_t kPage = 500;             // read from the store at once while searching
constexpr std::size_t kMostLookedAt = 20'000;  // by one search; its answer says where to go on
constexpr std::chrono::seconds kForeignLife{86400};

AdminAnswer refusal(unsigned status, std::string_view error, std::string_view description) {
  return {status, json::serialize(json::object{{"error", error}, {"error_description", description}})};
}

AdminAnswer store_failed(const StoreError& error) {
  return refusal(503, "store_unavailable", "The store didn't answer: " + error.detail);
}

AdminAnswer not_found(std::string_view what) { return refusal(404, "not_found", what); }

json::string repaired(std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);  // a stranger's text: what is no UTF-8 is mended
  return json::parse(quoted).as_string();
}

std::string time_text(UnixMillis time) { return rfc3339(std::chrono::floor<std::chrono::seconds>(time)); }

json::object shown(const users::User& user) {
  json::array roles;
  for (const std::string& role : user.roles) roles.emplace_back(repaired(role));
  json::object claims;
  for (const auto& [name, value] : user.claims) claims[repaired(name)] = repaired(value);
  return {{"id", repaired(user.id)},       {"name", repaired(user.name)},
          {"email", repaired(user.email)}, {"email_confirmed", user.email_confirmed},
          {"disabled", user.disabled},     {"roles", std::move(roles)},
          {"claims", std::move(claims)},   {"created", time_text(user.created)}};
}

json::object shown(const sessions::Session& session) {
  return {{"id", session.id.text()},
          {"user_id", repaired(session.user_id)},
          {"device", repaired(session.device)},
          {"ip", repaired(session.ip)},
          {"user_agent", repaired(session.user_agent)},
          {"created", time_text(session.created)},
          {"last_used", time_text(session.last_used)},
          {"ended", session.state == sessions::SessionState::ended},
          {"generation", session.generation}};
}

bool contains_folded(std::string_view text, const std::string& wanted) {
  const auto found = std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                                 [](char a, char b) { return lower(a) == lower(b); });
  return found != text.end();
}

bool fits(const users::User& user, const std::string& search) {
  return search.empty() || user.id == search || contains_folded(user.name, search) ||
         contains_folded(user.email, search);
}

Task<AdminAnswer> list(Worker& worker, PeopleRequest request) {
  json::array found;
  std::string cursor = std::move(request.cursor);
  bool more = true;
  for (std::size_t looked = 0; more && found.size() < request.limit && looked < kMostLookedAt;) {
    // A page is taken whole, since its end is the only place to go on from: a search may find a few more than
    // it was asked for.
    const std::size_t size = request.search.empty() ? request.limit - found.size() : kPage;
    std::string from = cursor;
    const auto page = co_await worker.stores().users->list(std::move(from), size);
    if (!page) co_return store_failed(page.error());
    for (const users::User& user : page->users)
      if (fits(user, request.search)) found.emplace_back(shown(user));
    looked += page->users.size();
    cursor = page->next;
    more = !cursor.empty();
  }
  json::object answer{{"users", std::move(found)}};
  if (more) answer["next"] = cursor;
  co_return AdminAnswer{200, json::serialize(answer)};
}

Task<StoreResult<std::optional<users::User>>> find(Worker& worker, const std::string& id) {
  auto found = co_await worker.stores().users->find_by_id(id);
  if (found && !found->has_value()) found = co_await worker.stores().users->find_by_name(id);
  co_return found;
}

Task<AdminAnswer> show(Worker& worker, ServingPtr serving, std::string id) {
  const auto user = co_await find(worker, id);
  if (!user) co_return store_failed(user.error());
  if (!user->has_value()) co_return not_found("There is no user of this id or name");
  std::string user_id = (*user)->id;
  const auto live = co_await serving->issuing->sessions.list(std::move(user_id));
  if (!live) co_return store_failed(live.error());
  json::object answer = shown(**user);
  json::array all;
  for (const sessions::Session& session : *live) all.emplace_back(shown(session));
  answer["sessions"] = std::move(all);
  co_return AdminAnswer{200, json::serialize(answer)};
}

void audit(Worker& worker, std::string_view act, std::string_view user, std::string_view session = {}) {
  worker.audit({act, user, session, "administrator", {}, {}});
}

Task<AdminAnswer> end_all(Worker& worker, ServingPtr serving, std::string id) {
  const auto user = co_await find(worker, id);
  if (!user) co_return store_failed(user.error());
  if (!user->has_value()) co_return not_found("There is no user of this id or name");
  const std::string user_id = (*user)->id;
  std::string whose = user_id;
  const auto ended = co_await serving->issuing->sessions.end_all_of_user(std::move(whose), std::nullopt,
                                                                         sessions::EndCause::administrator);
  if (!ended) co_return store_failed(ended.error());
  audit(worker, "sessions_ended", user_id);
  co_return AdminAnswer{200, json::serialize(json::object{{"ended", *ended}})};
}

Task<AdminAnswer> set_disabled(Worker& worker, ServingPtr serving, std::string id, bool disabled) {
  const auto user = co_await find(worker, id);
  if (!user) co_return store_failed(user.error());
  if (!user->has_value()) co_return not_found("There is no user of this id or name");
  users::Edit edit;
  edit.disabled = disabled;
  std::string name = (*user)->name;
  const auto change = co_await serving->issuing->users.edit(std::move(name), std::move(edit));
  if (!change) {
    if (change.error().kind == users::UserError::Kind::store) co_return store_failed(change.error().store);
    co_return refusal(409, "conflict", "Others keep changing this user; try again");
  }
  if (change->end == users::EndSessions::all) {
    std::string whose = change->user.id;
    const auto ended =
        co_await serving->issuing->sessions.end_all_of_user(std::move(whose), std::nullopt, change->cause);
    if (!ended) co_return store_failed(ended.error());
  }
  audit(worker, disabled ? "user_disabled" : "user_enabled", change->user.id);
  co_return AdminAnswer{200, json::serialize(shown(change->user))};
}

Task<AdminAnswer> reset_token(Worker& worker, ServingPtr serving, std::string id) {
  const config::Config& config = serving->runtime->config;
  if (!config.users.reset.on || config.auth.endpoints.reset.empty())
    co_return refusal(409, "reset_off",
                      "Nobody could use the token: say `users: {reset: on}` in the configuration");
  const auto found = co_await find(worker, id);
  if (!found) co_return store_failed(found.error());
  if (!found->has_value()) co_return not_found("There is no user of this id or name");
  if ((*found)->disabled) co_return refusal(409, "account_disabled", "This user is disabled");
  const std::string user_id = (*found)->id;
  users::User user = **found;
  const auto issued = co_await serving->issuing->accounts.reset_token(std::move(user));
  if (!issued) co_return store_failed(issued.error().store);
  audit(worker, "password_reset_issued", user_id);
  json::object answer{{"token", issued->token.reveal()}, {"expires_in", issued->ttl.count()}};
  if (const std::string& page = config.users.reset.page; !page.empty())
    answer["link"] = link_to(page, issued->token.reveal());
  co_return AdminAnswer{200, json::serialize(answer)};
}

Task<AdminAnswer> session(Worker& worker, ServingPtr serving, std::string id, bool end) {
  std::string which = id;
  const auto found = co_await serving->issuing->sessions.find(std::move(which));
  if (!found) co_return store_failed(found.error());
  if (!found->has_value()) co_return not_found("There is no such session");
  if (!end) co_return AdminAnswer{200, json::serialize(shown(**found))};
  const std::string user_id = (*found)->user_id;
  std::string whose = user_id;
  which = id;
  const auto ended = co_await serving->issuing->sessions.end_one(std::move(whose), std::move(which),
                                                                 sessions::EndCause::administrator);
  if (!ended) co_return store_failed(ended.error());
  audit(worker, "session_ended", user_id, id);
  co_return AdminAnswer{200, json::serialize(json::object{{"ended", 1}})};
}

Task<AdminAnswer> append(Worker& worker, revocation::Event event, std::string_view act) {
  std::vector<revocation::Event> events;
  events.push_back(std::move(event));
  const auto done = co_await worker.revoker().revoke(std::move(events));
  if (!done) co_return store_failed(done.error());
  audit(worker, act, {});
  co_return AdminAnswer{200, R"({"revoked":true})"};
}

bool is_known_issuer(const config::Tokens& tokens, const std::string& issuer) {
  return issuer == tokens.issuer ||
         std::any_of(tokens.issuers.begin(), tokens.issuers.end(),
                     [&](const config::ForeignIssuer& one) { return one.issuer == issuer; });
}

AdminAnswer no_users() {
  return refusal(503, "store_unavailable",
                 "This gateway issues no tokens, or its own keys are still on their way from the store");
}

}  // namespace

PeopleRequest read_people_request(Act act, std::string id, std::string_view query) {
  PeopleRequest request;
  request.act = act;
  request.id = std::move(id);
  const auto form = endpoints::Form::parse(query);
  const auto parameter = [&](std::string_view name) {
    return std::string(form ? form->find(name).value_or("") : "");
  };
  request.search = parameter("search");
  request.cursor = parameter("cursor");
  const std::string limit = parameter("limit");
  std::size_t number = 0;
  if (std::from_chars(limit.data(), limit.data() + limit.size(), number).ec == std::errc() && number > 0)
    request.limit = std::min(number, kMostAtOnce);
  return request;
}

Task<AdminAnswer> answer_people(Worker& worker, PeopleRequest request) {
  ServingPtr serving = worker.serving();
  if (!serving->issuing) co_return no_users();
  switch (request.act) {
    case Act::users:
      co_return co_await list(worker, std::move(request));
    case Act::user:
      co_return co_await show(worker, std::move(serving), std::move(request.id));
    case Act::end_sessions:
      co_return co_await end_all(worker, std::move(serving), std::move(request.id));
    case Act::disable:
    case Act::enable: {
      const bool disabled = request.act == Act::disable;
      co_return co_await set_disabled(worker, std::move(serving), std::move(request.id), disabled);
    }
    case Act::reset_token:
      co_return co_await reset_token(worker, std::move(serving), std::move(request.id));
    case Act::session:
    case Act::end_session: {
      const bool end = request.act == Act::end_session;
      co_return co_await session(worker, std::move(serving), std::move(request.id), end);
    }
    default:
      break;
  }
  co_return not_found("There is nothing here");
}

Task<AdminAnswer> answer_revoke(Worker& worker, config::Secret body) {
  ServingPtr serving = worker.serving();
  if (!serving->issuing) co_return no_users();
  const config::Tokens& tokens = serving->runtime->config.tokens;
  const auto value = jose::parse_strict_json(body.reveal());
  const json::object* wanted = value ? value->if_object() : nullptr;
  if (wanted == nullptr) co_return refusal(400, "invalid_request", "The body must be a JSON object");
  const auto text = [&](std::string_view name) {
    const json::value* member = wanted->if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
  };
  const json::value* all = wanted->if_contains("everything");
  const bool everything = all != nullptr && all->is_bool() && all->get_bool();
  const std::string token = text("token"), session_id = text("session"), user = text("user"),
                    key = text("key");
  const int named = !token.empty() + !session_id.empty() + !user.empty() + !key.empty() + everything;
  if (named != 1)
    co_return refusal(422, "validation_failed",
                      "Name one thing: token, session, user, key, or everything: true");
  std::string issuer = text("issuer");
  if (issuer.empty()) issuer = tokens.issuer;
  if (!is_known_issuer(tokens, issuer))
    co_return refusal(422, "validation_failed", "issuer names none of the configuration");
  const UnixSeconds now = worker.unix_now();
  if (!token.empty()) {
    TokenEnding ending = token_ending(token, tokens, now);
    if (!ending) co_return refusal(422, "validation_failed", ending.error());
    if (!*ending) co_return AdminAnswer{200, R"({"revoked":false,"reason":"the token has expired"})"};
    revocation::Event event = std::move(**ending);
    co_return co_await append(worker, std::move(event), "token_revoked");
  }
  if (!session_id.empty()) {
    std::string id = session_id;
    co_return co_await session(worker, std::move(serving), std::move(id), true);
  }
  if (!user.empty() && issuer == tokens.issuer) {
    std::string id = user;
    co_return co_await end_all(worker, std::move(serving), std::move(id));
  }
  if (!user.empty()) {  // another's user has no sessions here
    revocation::Event event = ending_of(revocation::Kind::user, issuer, user, now + kForeignLife);
    event.before = now + std::chrono::seconds(1);
    co_return co_await append(worker, std::move(event), "user_revoked");
  }
  if (!key.empty()) {
    revocation::Event event = ending_of(revocation::Kind::key, issuer, key, now + longest_life(tokens));
    co_return co_await append(worker, std::move(event), "key_revoked");
  }
  revocation::Event event =
      everything_ending(tokens, issuer, std::nullopt,
                        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
  co_return co_await append(worker, std::move(event), "everything_revoked");
}

}  // namespace sallyport::gateway
