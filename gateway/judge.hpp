// Who sends a request, and may they? The authenticator's decision put into the words of an answer.
#pragma once

#include <optional>

#include "auth/policy/authenticator.hpp"
#include "gateway/message.hpp"
#include "gateway/replies.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

class Worker;

policy::Credential credential_of(const RequestHead& head);
Verdict answer_of(policy::Verdict verdict);  // of one that doesn't pass

// Fills the context's claims; nullopt: go on, else what to answer. A token seen for the first time is
// confirmed.
std::optional<Verdict> judge(Worker& worker, const RequestHead& head, const policy::RoutePolicy& policy,
                             RequestContext& context);

}  // namespace sallyport::gateway
