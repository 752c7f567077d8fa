// Rules over `users`: what each source needs, and what it can't do.
#include <string>
#include <string_view>

#include "config/judge.hpp"

namespace sallyport::config {
namespace {

constexpr const char* kInClear = "passwords and accounts cross the network in clear; use https";

void need(bool there, const std::string& path, const std::string& key, const std::string& what,
          Judge& judge) {
  if (!there && !judge.places.given(path + "." + key))
    judge.problem("users.source", path + "." + key + " is missing: " + what);
}

void judge_query(const std::string& query, const std::string& path, std::string_view parameters,
                 Judge& judge) {
  if (query.empty()) return;
  for (const char parameter : parameters)
    if (const std::string name{'$', parameter}; query.find(name) == query.npos)
      judge.problem(path, "the query doesn't use " + name);
}

void judge_file(const FileUsers& file, Judge& judge) {
  need(!file.path.empty(), "users.file", "path", "a YAML or htpasswd file", judge);
}

void judge_postgres(const PostgresUsers& postgres, Judge& judge) {
  need(!postgres.url.empty(), "users.postgres", "url", "postgresql://user:password@host/database", judge);
  need(!postgres.by_name.empty(), "users.postgres", "by_name", "the SELECT of a user by name ($1)", judge);
  need(!postgres.by_id.empty(), "users.postgres", "by_id", "the SELECT of a user by id ($1)", judge);
  judge_query(postgres.by_name, "users.postgres.by_name", "1", judge);
  judge_query(postgres.by_id, "users.postgres.by_id", "1", judge);
  judge_query(postgres.update_password, "users.postgres.update_password", "123", judge);
}

void judge_http(const HttpUsers& http, Judge& judge) {
  need(!http.login.empty(), "users.http", "login", "the URL that judges a password", judge);
  need(!http.state.empty(), "users.http", "state",
       "the URL of a user's account, such as https://host/users/{id}; without it a user who was disabled "
       "there "
       "would stay logged in here",
       judge);
  judge.called(http.login, "users.http.login", kInClear);
  judge.called(http.state, "users.http.state", kInClear);
  if (!http.state.empty() && http.state.find("{id}") == http.state.npos)
    judge.problem("users.http.state", "{id} is missing: where the user's id stands");
  if (http.fields.id.empty())
    judge.problem("users.http.fields.id", "sessions belong to an id; name the member that holds it");
  if (http.username == http.password)
    judge.problem("users.http.username", "name and password can't be one member");
}

// What a source is told that isn't the one in use would be without effect.
void judge_unused(const Users& users, Judge& judge) {
  const auto unused = [&](const std::string& source, bool said) {
    if (said && users.source != source)
      judge.problem("users." + source, "it is for `source: " + source + "`; the source is " + users.source);
  };
  unused("file", !users.file.path.empty());
  unused("postgres", !users.postgres.url.empty());
  unused("http", !users.http.login.empty());
}

}  // namespace

void judge_users(const Config& config, Judge& judge) {
  const Users& users = config.users;
  if (users.password.min_length > users.password.max_length)
    judge.problem("users.password.min_length",
                  "it is larger than max_length (" + std::to_string(users.password.max_length) + ")");
  judge_unused(users, judge);
  if (users.source == "file") judge_file(users.file, judge);
  if (users.source == "postgres") judge_postgres(users.postgres, judge);
  if (users.source == "http") judge_http(users.http, judge);
  if (users.source == "store") return;
  if (users.registration)
    judge.problem("users.registration", "accounts are created in the gateway's own store; with `source: " +
                                            users.source + "` they come from there");
  if (!writes_passwords(users) && judge.places.given("auth.endpoints.password") &&
      !config.auth.endpoints.password.empty())
    judge.problem("auth.endpoints.password",
                  "passwords of `users.source: " + users.source + "` can't be changed here" +
                      (users.source == "postgres" ? "; name users.postgres.update_password" : ""));
}

}  // namespace sallyport::config
