// What an administrator sees of users and sessions, and does to them. Runs on a worker, with its services: an
// ending is in force in every worker before the answer is given, as a logout is.
#pragma once

#include <string>
#include <string_view>

#include "auth/task.hpp"
#include "gateway/admin/catalogue.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

struct AdminAnswer {
  unsigned status = 503;
  std::string body;  // JSON
};

// What an administrator asks of users and sessions.
struct PeopleRequest {
  admin::Act act = admin::Act::users;
  std::string id;              // as the act's path has it: of a user, or the name; of a session
  std::string search, cursor;  // of the list
  std::size_t limit = 50;
};
// Pure. `query`: without '?'.
PeopleRequest read_people_request(admin::Act act, std::string id, std::string_view query);

Task<AdminAnswer> answer_people(Worker& worker, PeopleRequest request);

// POST /admin/revoke: one of {"token"}, {"session"}, {"user"}, {"key"}, {"everything": true}, with "issuer"
// where it is another's.
Task<AdminAnswer> answer_revoke(Worker& worker, config::Secret body);

}  // namespace sallyport::gateway
