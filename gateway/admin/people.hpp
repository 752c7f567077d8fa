// What an administrator sees of users and sessions, and does to them. Runs on a worker, with its services: an
// ending is in force in every worker before the answer is given, as a logout is.
#pragma once

#include <string>
#include <string_view>

#include "auth/task.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

struct AdminAnswer {
  unsigned status = 503;
  std::string body;  // JSON
};

// What an administrator asks for, as its path and query say.
struct PeopleRequest {
  enum class Act {
    none,
    list,          // GET /admin/users?search=&cursor=&limit=
    show,          // GET /admin/users/{id}: with the sessions
    end_all,       // DELETE /admin/users/{id}/sessions
    disable,       // POST /admin/users/{id}/disable
    enable,        // POST /admin/users/{id}/enable
    reset_token,   // POST /admin/users/{id}/reset-token: for a new password, to be passed on to the user
    show_session,  // GET /admin/sessions/{id}
    end_session,   // DELETE /admin/sessions/{id}
  };
  Act act = Act::none;
  std::string id;
  std::string search, cursor;
  std::size_t limit = 50;
  std::string_view allow;  // the path is known and the method isn't: what it takes
};
// Pure. `query`: without '?'.
PeopleRequest read_people_request(std::string_view method, std::string_view path, std::string_view query);

Task<AdminAnswer> answer_people(Worker& worker, PeopleRequest request);

// POST /admin/revoke: one of {"token"}, {"session"}, {"user"}, {"key"}, {"everything": true}, with "issuer"
// where it is another's.
Task<AdminAnswer> answer_revoke(Worker& worker, config::Secret body);

}  // namespace sallyport::gateway
