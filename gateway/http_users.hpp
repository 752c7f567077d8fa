// `users.source: http`: the login API that the team already has judges passwords and tells who is who. One
// per worker. The mapping of its answers is plain (remote_user.hpp); this makes the calls, bounded in number
// and time, and leaves an API alone that keeps failing.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <string>

#include "auth/users/foreign_users.hpp"
#include "config/config.hpp"
#include "gateway/net/deadlines.hpp"
#include "gateway/net/http_call.hpp"
#include "gateway/upstream/breaker.hpp"

namespace sallyport::gateway {

class HttpUsers final : public users::ForeignUsers {
 public:
  // Throws where OpenSSL can't be set up. `rules` were validated: both URLs can be parsed.
  HttpUsers(net::any_io_executor executor, Deadlines& deadlines, config::HttpUsers rules);

  using Found = std::optional<users::User>;
  bool judges_passwords() const override { return true; }
  Task<StoreResult<Found>> judge(std::string name, config::Secret password, std::string address) override;
  // The state of an account; asked at each refresh.
  Task<StoreResult<Found>> find_by_id(std::string_view id) override;
  // The API knows names only together with a password.
  Task<StoreResult<Found>> find_by_name(std::string_view name) override;

 private:
  using Answered = StoreResult<HttpCaller::Answer>;
  Task<Answered> call(HttpCall call);

  config::HttpUsers rules_;
  HttpCaller caller_;
  upstream::Breaker breaker_;
  unsigned calls_ = 0;  // under way
};

}  // namespace sallyport::gateway
