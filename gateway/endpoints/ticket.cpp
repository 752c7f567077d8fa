// POST ticket: a one-time ticket for a WebSocket or EventSource of one path, in the name of the token's
// bearer.
#include <openssl/rand.h>

#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/fields.hpp"
#include "gateway/path.hpp"
#include "gateway/tickets.hpp"

namespace sallyport::gateway::endpoints {

Task<> ticket(Call call) {
  const auto body = co_await read_json(call, Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  const std::string path = fields.required("path");
  std::string scratch;
  const NormalPath normal = normalise_path(path, scratch);
  users::FieldProblems problems = fields.problems();
  if (problems.empty() && (!path.starts_with('/') || path.size() > kMaxTicketPath ||
                           path.find_first_of("?#") != path.npos || !normal.good()))
    problems["path"] = {"must be a path that starts with / and has no query"};
  if (!problems.empty()) {
    const Failure failure = invalid_fields(std::move(problems));
    co_return co_await fail(call, failure);
  }

  Ticket ticket;
  ticket.path = normal.path;
  ticket.expires = call.worker.unix_now() + kTicketLife;
  ticket.claims = call.context.claims;
  if (RAND_bytes(ticket.nonce.data(), static_cast<int>(ticket.nonce.size())) != 1)
    throw std::runtime_error("no randomness");
  const std::string text = write_ticket(ticket, call.worker.keys()->refresh);
  if (text.empty()) {
    const Failure failure =
        invalid_request("The token's claims are too large for a ticket", "ticket_too_long");
    co_return co_await fail(call, failure);
  }
  std::string answer =
      R"({"ticket":")" + text + R"(","expires_in":)" + std::to_string(kTicketLife.count()) + "}";
  co_await answer_document(call, 200, std::move(answer));
}

}  // namespace sallyport::gateway::endpoints
