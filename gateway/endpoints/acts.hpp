// One coroutine per endpoint: turns a request into an act on users or sessions, and its result into an
// answer.
#pragma once

#include "gateway/endpoints/call.hpp"

namespace sallyport::gateway::endpoints {

Task<> register_user(Call call);
Task<> login(Call call);
Task<> refresh(Call call);
Task<> logout(Call call);
Task<> list_sessions(Call call);
Task<> end_session(Call call);
Task<> change_password(Call call);
Task<> reset_request(Call call);
Task<> reset_password(Call call);
Task<> confirm(Call call);
Task<> me(Call call);
Task<> ticket(Call call);
Task<> verify(Call call);
Task<> token(Call call);
Task<> revoke(Call call);
Task<> introspect(Call call);
Task<> jwks(Call call);
Task<> metadata(Call call);
Task<> openapi(Call call);
Task<> docs(Call call);
Task<> account_page(Call call);
Task<> account_script(Call call);
Task<> account_style(Call call);

}  // namespace sallyport::gateway::endpoints
