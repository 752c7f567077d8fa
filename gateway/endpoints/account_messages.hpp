// Makes the one-time tokens that a user is to be mailed and hands them to the webhook, behind the request's
// back: whether there is such a user shows neither in the answer nor in its time.
#pragma once

#include <string>

#include "auth/users/user.hpp"
#include "gateway/endpoints/call.hpp"

namespace sallyport::gateway::endpoints {

// Whom a client asks for: a name, or an address.
struct Asked {
  std::string name;
  std::string email;
};

// Each returns at once. Nothing is sent where no webhook is configured, where its queue is full, or where the
// account had its share of messages already; the audit log says which.
void send_confirmation(Call call, users::User user);
void send_confirmation(Call call, Asked asked);  // to those of them who aren't confirmed
void send_reset(Call call, Asked asked);

}  // namespace sallyport::gateway::endpoints
