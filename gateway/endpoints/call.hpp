// One request to an endpoint on its way: reading its body, judging its token, answering it.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "auth/task.hpp"
#include "gateway/cookies.hpp"
#include "gateway/endpoints/dialect.hpp"
#include "gateway/endpoints/failure.hpp"
#include "gateway/exchange.hpp"
#include "gateway/request_context.hpp"
#include "gateway/router.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway::endpoints {

// Borrowed, all of it: lives while serve() runs.
struct Call {
  Worker& worker;
  Exchange& exchange;
  RequestContext& context;
  const Match& match;

  const Runtime& runtime() const { return context.runtime(); }
  const config::Config& config() const { return runtime().config; }
  const Dialect& dialect() const { return runtime().dialect; }
  users::UserService& users() const { return context.serving->issuing->users; }
  users::AccountService& accounts() const { return context.serving->issuing->accounts; }
  sessions::SessionService& sessions() const { return context.serving->issuing->sessions; }
};

enum class Body : std::uint8_t { required, optional };  // optional: none at all is an empty object

// The body, whatever it is. nullopt: the request has been answered already, or its client is gone.
Task<std::optional<config::Secret>> read_body(Call call);
Task<std::optional<boost::json::object>> read_json(Call call, Body body);

// Does its Origin permit what cookies do?
bool from_our_pages(Call call);
// The request's cookies, where cookie mode is on and no Authorization beats them; else none.
SessionCookies cookies_of(Call call);

// What the client's device says of itself, for the session; `device` comes from the body.
sessions::Client client_of(Call call, std::string device);

// Borrowed. Without a content type there is no body.
struct Answer {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string_view body;
  std::string lines;  // further header lines, each with CRLF
  std::string_view cache_control = "no-store";
  std::chrono::seconds retry_after{0};
};

// Each answers the request and notes it for the access log.
Task<> answer_with(Call call, const Answer& answer);
Task<> answer_json(Call call, unsigned status, std::string_view body,
                   std::string_view cache_control = "no-store");
// One JSON object in our words, told in the client's.
Task<> answer_document(Call call, unsigned status, std::string document);
Task<> answer_nothing(Call call);  // 204
Task<> fail(Call call, const Failure& failure);
Task<> answer_tokens(Call call, const sessions::TokenPair& pair);

// Of the sessions that began under an old password; a store that stumbles is asked again: the password is
// another one already, so repeating the request wouldn't come this far.
Task<StoreResult<std::size_t>> end_for_new_password(Call call, std::string user,
                                                    std::optional<sessions::SessionId> except);

// The user of a pair, for the access log.
void note_user(Call call, const sessions::TokenPair& pair);
// A line of the audit log with this request's client and id.
void audit(Call call, std::string_view act, std::string_view user, std::string_view session = {},
           std::string_view cause = {});

}  // namespace sallyport::gateway::endpoints
