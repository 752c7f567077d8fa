// What the endpoints share that send a one-time token to somebody who isn't logged in: whom the client means,
// and how often it may ask.
#pragma once

#include "gateway/endpoints/account_messages.hpp"
#include "gateway/endpoints/fields.hpp"

namespace sallyport::gateway::endpoints {

Asked asked_in(Fields& fields);  // username, else email

// Why it is refused, or nothing. Counts the question: by whom it means and where it comes from, with the
// limits of failed logins, whether there is such a user or not.
Task<std::optional<Failure>> refuse_asking(Call call, const Fields& fields, const Asked& asked);

Task<> answer_accepted(Call call);  // 202, and no word more

}  // namespace sallyport::gateway::endpoints
