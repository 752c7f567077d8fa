// The lines of the access and the audit log: one JSON object each. Pure: appends to a buffer of the caller's.
// Never a token, a password or a query (it may hold a ticket).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/time.hpp"
#include "config/config.hpp"
#include "gateway/message.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

struct Finished {
  UnixMillis time{};
  SteadyTime ended{};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

// `head`: nullptr where it was refused before it could be read.
void append_access_line(std::string& out, const RequestContext& context, const RequestHead* head,
                        const Finished& finished, const config::Log& rules);

struct AuditEntry {
  std::string_view act;   // "login", "login_failed", "refresh", "reused", "logout", "registered", ...
  std::string_view user;  // user id, or the name as typed where there is none
  std::string_view session;
  std::string_view cause;
  std::string_view client;
  std::string_view request_id;
};
void append_audit_line(std::string& out, UnixMillis time, const AuditEntry& entry, const config::Log& rules);

}  // namespace sallyport::gateway
