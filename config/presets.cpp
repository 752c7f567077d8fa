#include "config/presets.hpp"

#include <array>

namespace sallyport::config {
namespace {

constexpr Seconds kMinute{60}, kHour{3600}, kDay{86400};

std::vector<ProfileField> profile(std::initializer_list<const char*> names) {
  std::vector<ProfileField> fields;
  for (const char* name : names) fields.emplace_back().name = name;
  return fields;
}

// S1: one session per user, refreshed for seven days from the login, however often.
void code_maze(Config& config) {
  config.auth.endpoints.login = "/api/auth/login";
  config.auth.endpoints.refresh = "/api/token/refresh";
  config.auth.endpoints.logout = "/api/token/revoke";
  config.auth.fields = {Style::camel_case, {{"username", "userName"}}, {{"access_token", "token"}}};
  config.auth.errors = ErrorShape::text;
  config.auth.refresh_refused = 400;
  config.tokens.claims.roles = "role";
  config.tokens.access_ttl = 5 * kMinute;
  config.tokens.refresh.idle_ttl = Seconds{0};
  config.tokens.refresh.absolute_ttl = 7 * kDay;
  config.tokens.refresh.max_sessions_per_user = 1;
}

// S4: many sessions, each for five days from its last refresh.
void fullstackmark(Config& config) {
  config.auth.endpoints.register_ = "/api/accounts";
  config.auth.endpoints.login = "/api/auth/login";
  config.auth.endpoints.refresh = "/api/auth/refreshtoken";
  config.auth.fields = {Style::camel_case, {{"username", "userName"}}, {{"username", "userName"}}};
  config.auth.errors = ErrorShape::code;
  config.auth.refresh_refused = 400;
  config.auth.require_https = true;
  config.tokens.claims.roles = "rol";
  config.tokens.claims.id = "id";
  config.tokens.access_ttl = 120 * kMinute;
  config.tokens.clock_skew = Seconds{0};
  config.tokens.refresh.idle_ttl = 5 * kDay;
  config.tokens.refresh.absolute_ttl = Seconds{0};
  config.users.profile = profile({"first_name", "last_name", "email"});
  config.users.password.min_length = 6;
}

// S3. Its refresh tokens never ended; ours keep the gateway's limits.
void codepedia(Config& config) {
  config.auth.endpoints.login = "/api/users/authenticate";
  config.auth.endpoints.refresh = "/api/users/refresh";
  config.auth.expired_header = {"IS-TOKEN-EXPIRED"};
  config.auth.fields = {
      Style::camel_case,
      {{"username", "name"}, {"access_token", "access_Token"}, {"refresh_token", "refresh_Token"}},
      {{"access_token", "access_Token"}, {"refresh_token", "refresh_Token"}}};
  config.auth.errors = ErrorShape::text;
  config.tokens.access_ttl = kMinute;
  config.tokens.clock_skew = Seconds{0};
  config.defaults.auth = AuthMode::required;
  config.users.require_confirmed_email = true;
  config.users.password.min_length = 6;
  config.users.password.upper = true;
  config.users.password.digit = true;
}

// S0: one session per user, twelve hours from the login, the same refresh token all the time.
void apothecaric(Config& config) {
  config.auth.endpoints.login = "/api/token";
  config.auth.endpoints.refresh = "/api/token/refresh";
  config.auth.fields = {Style::pascal_case,
                        {{"username", "UserName"}},
                        {{"username", "UserName"},
                         {"expires_at", "TokenExpiration"},
                         {"user.first_name", "FirstName"},
                         {"user.last_name", "LastName"},
                         {"user.tenant_code", "TenantCode"}}};
  config.auth.errors = ErrorShape::model_state;
  config.tokens.access_ttl = 30 * kMinute;
  config.tokens.refresh.rotation = RotationMode::never;
  config.tokens.refresh.idle_ttl = Seconds{0};
  config.tokens.refresh.absolute_ttl = 12 * kHour;
  config.tokens.refresh.max_sessions_per_user = 1;
  config.users.profile = profile({"first_name", "last_name", "tenant_code"});
}

constexpr std::array<std::string_view, 10> kRequestFields{
    "username",     "password",         "email",        "device", "refresh_token",
    "access_token", "current_password", "new_password", "path",   "token"};
constexpr std::array<std::string_view, 19> kResponseFields{
    "access_token",       "token_type", "expires_in", "expires_at", "refresh_token",
    "refresh_expires_in", "session_id", "user",       "id",         "username",
    "sessions",           "device",     "ip",         "user_agent", "created",
    "last_used",          "current",    "ticket",     "email"};

constexpr std::array<Sentences, 5> kSentences{{
    {},
    {400, 400, "Invalid client request", {}, "Invalid client request", {}},
    {400, 400, "Invalid request.", "Invalid username or password.", "Invalid token.", {}},
    {400, 400, "Invalid request!", "Incorrect username or password!", "Invalid attempt!", {}},
    {400, 400, {}, {}, {}, "The {0} field is required."},
}};

}  // namespace

void apply_preset(Config& config, Preset preset) {
  config.auth.preset = preset;
  switch (preset) {
    case Preset::oauth2:
      return;
    case Preset::code_maze:
      return code_maze(config);
    case Preset::fullstackmark:
      return fullstackmark(config);
    case Preset::codepedia:
      return codepedia(config);
    case Preset::apothecaric:
      return apothecaric(config);
  }
}

std::span<const std::string_view> request_fields() { return kRequestFields; }
std::span<const std::string_view> response_fields() { return kResponseFields; }

const Sentences& sentences_of(Preset preset) { return kSentences[static_cast<std::size_t>(preset)]; }

}  // namespace sallyport::config
