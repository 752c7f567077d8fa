// user add|set|passwd|reset-token|disable|enable|confirm|unlock|delete|list: the people in the gateway's own
// store; reset-token and unlock go with every source, since what they write is kept here.
#include <openssl/rand.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>
#include <span>
#include <stdexcept>

#include "auth/users/account_service.hpp"
#include "auth/users/password_hash.hpp"
#include "auth/users/user_service.hpp"
#include "config/units.hpp"
#include "gateway/cli/command.hpp"
#include "gateway/cli/end_sessions.hpp"
#include "gateway/cli/input.hpp"
#include "gateway/cli/look_up.hpp"
#include "gateway/messages.hpp"

namespace sallyport::cli {
namespace {

// What the options of one `user` command said.
struct Wanted {
  std::string name;
  std::vector<std::string> roles, claims, profile, remove_claims, remove_profile;
  bool no_roles = false;
  std::string email;
  bool confirmed = false, unconfirmed = false;
  std::string password_file, hash_file;
  std::string address;
  bool json = false;
};

void random_bits(std::span<unsigned char> into) {
  if (RAND_bytes(into.data(), static_cast<int>(into.size())) != 1) throw std::runtime_error("no randomness");
}

int user_failed(const config::Config& config, const std::string& name, const users::UserError& error) {
  using Kind = users::UserError::Kind;
  if (error.kind == Kind::store) return store_failed(config, error.store);
  if (error.kind == Kind::unknown_user) {
    complain("there is no user " + name);
  } else if (error.kind == Kind::conflict) {
    complain("others keep changing " + name + "; nothing was written, try again");
  } else if (error.kind == Kind::username_taken) {
    complain("the name " + name + " is taken");
  } else {
    for (const auto& [field, messages] : error.fields) {
      for (const auto& message : messages) complain(field + ": " + message);
    }
  }
  return kWrongInput;
}

// "name=value" texts into `into`; false (and a message) at the first that isn't one.
bool read_pairs(const std::vector<std::string>& texts, const char* option,
                std::map<std::string, std::optional<std::string>>& into) {
  for (const auto& text : texts) {
    const auto pair = split_pair(text);
    if (!pair) {
      complain(std::string(option) + " wants name=value, not " + text);
      return false;
    }
    into[pair->first] = pair->second;
  }
  return true;
}

std::map<std::string, std::string> present(const std::map<std::string, std::optional<std::string>>& pairs) {
  std::map<std::string, std::string> result;
  for (const auto& [name, value] : pairs) {
    if (value) result.emplace(name, *value);
  }
  return result;
}

Task<int> add_to_store(stores::Stores& stores, const config::Config& config, users::User user) {
  const std::string name = user.name, id = user.id;
  auto added = co_await stores.users->add(std::move(user));
  if (!added) co_return store_failed(config, added.error());
  if (!*added) {
    complain("the name " + name + " is taken");
    co_return kWrongInput;
  }
  say("added " + name + " (" + id + ")");
  co_return kFine;
}

int add(const config::Config& config, const Wanted& wanted) {
  std::map<std::string, std::optional<std::string>> claims, profile;
  if (!read_pairs(wanted.claims, "--claim", claims) || !read_pairs(wanted.profile, "--profile", profile))
    return kWrongInput;
  users::Registration registration{wanted.name, config::Secret(), wanted.email, present(profile)};
  std::string hash;
  if (!wanted.hash_file.empty()) {
    auto text = read_whole(wanted.hash_file);
    if (!text || !users::known_hash(*text)) {
      complain(text ? wanted.hash_file +
                          " holds no password hash that we know (argon2id, bcrypt, crypt(3), PBKDF2, ASP.NET "
                          "Identity)"
                    : text.error().message);
      return kWrongInput;
    }
    hash = std::move(*text);
  } else {
    auto password = read_password(wanted.password_file);
    if (!password) {
      complain(password.error().message);
      return kWrongInput;
    }
    registration.password = std::move(*password);
  }

  // An administrator may set any field, and leave any out; what he sets must be what the field takes.
  config::Users rules = config.users;
  for (auto& field : rules.profile) field.required = false;
  for (const auto& [name, value] : profile) {
    const auto known = std::any_of(rules.profile.begin(), rules.profile.end(),
                                   [&](const config::ProfileField& field) { return field.name == name; });
    if (!known) rules.profile.emplace_back().name = name;
  }
  users::UserError invalid;
  invalid.fields = users::registration_problems(registration, rules);
  if (!hash.empty()) invalid.fields.erase("password");
  if (wanted.email.empty()) invalid.fields.erase("email");  // an administrator vouches for whom he adds
  if (!invalid.fields.empty()) return user_failed(config, wanted.name, invalid);

  users::User user;
  user.id = users::new_user_id();
  user.name = wanted.name;
  user.password_hash =
      hash.empty() ? users::hash_password(registration.password, users::random_salt()) : hash;
  user.email = wanted.email;
  user.email_confirmed = wanted.confirmed || wanted.email.empty();
  user.roles = wanted.roles.empty() && !wanted.no_roles ? config.users.fresh.roles : wanted.roles;
  user.claims = config.users.fresh.claims;
  for (const auto& [name, value] : present(claims)) user.claims[name] = value;
  user.profile = registration.profile;
  user.created = now_millis();
  return with_stores(config, [&](stores::Stores& stores) { return add_to_store(stores, config, user); });
}

// The change is written already: end what it ends, and say both.
Task<int> finish(stores::Stores& stores, const config::Config& config, users::Change change,
                 std::string what) {
  if (change.end == users::EndSessions::none) {
    say(what + " " + change.user.name);
    co_return kFine;
  }
  auto ended = co_await end_sessions(stores, config.tokens, change.user.id, change.cause);
  if (!ended) {
    complain(what + " " + change.user.name +
             ", but the sessions of this user could not be ended: run sallyport revoke --user " +
             change.user.name);
    co_return store_failed(config, ended.error());
  }
  say(what + " " + change.user.name + ", ended " + std::to_string(*ended) + " session" +
      (*ended == 1 ? "" : "s"));
  co_return kFine;
}

Task<int> edit_in_store(stores::Stores& stores, const config::Config& config, std::string name,
                        users::Edit edit, std::string what) {
  users::HashingPool pool(1, 1);
  users::UserService service(*stores.users, *stores.attempts, pool, config.users, config.auth.throttle);
  auto change = co_await service.edit(name, std::move(edit));
  if (!change) co_return user_failed(config, name, change.error());
  co_return co_await finish(stores, config, std::move(*change), std::move(what));
}

int edit(const config::Config& config, const std::string& name, const users::Edit& edit,
         const std::string& what) {
  return with_stores(config,
                     [&](stores::Stores& stores) { return edit_in_store(stores, config, name, edit, what); });
}

int set(const config::Config& config, const Wanted& wanted) {
  users::Edit edit_wanted;
  if (!read_pairs(wanted.claims, "--claim", edit_wanted.claims)) return kWrongInput;
  if (!read_pairs(wanted.profile, "--profile", edit_wanted.profile)) return kWrongInput;
  for (const auto& name : wanted.remove_claims) edit_wanted.claims[name] = std::nullopt;
  for (const auto& name : wanted.remove_profile) edit_wanted.profile[name] = std::nullopt;
  if (!wanted.roles.empty() || wanted.no_roles) edit_wanted.roles = wanted.roles;
  if (!wanted.email.empty()) edit_wanted.email = wanted.email;
  if (wanted.confirmed) edit_wanted.email_confirmed = true;
  if (wanted.unconfirmed) edit_wanted.email_confirmed = false;
  return edit(config, wanted.name, edit_wanted, "changed");
}

Task<int> set_password(stores::Stores& stores, const config::Config& config, std::string name,
                       config::Secret password) {
  users::HashingPool pool(1, 1);
  users::UserService service(*stores.users, *stores.attempts, pool, config.users, config.auth.throttle);
  auto change = co_await service.set_password(name, std::move(password));
  if (!change) co_return user_failed(config, name, change.error());
  co_return co_await finish(stores, config, std::move(*change), "set the password of");
}

int passwd(const config::Config& config, const Wanted& wanted) {
  auto password = read_password(wanted.password_file);
  if (!password) {
    complain(password.error().message);
    return kWrongInput;
  }
  return with_stores(
      config, [&](stores::Stores& stores) { return set_password(stores, config, wanted.name, *password); });
}

Task<int> make_reset_token(stores::Stores& stores, const config::Config& config, std::string name) {
  auto found = co_await look_up(stores, config, name);
  if (!found) co_return look_up_failed(config, found.error());
  if (!found->has_value() || (*found)->disabled) {
    complain(found->has_value() ? name + " is disabled" : "there is no user " + name);
    co_return kWrongInput;
  }
  users::HashingPool pool(1, 1);
  users::AccountService accounts(*stores.users, *stores.one_time, *stores.attempts, pool, config.users,
                                 config.auth.throttle, random_bits);
  users::User user = std::move(**found);
  auto issued = co_await accounts.reset_token(std::move(user));
  if (!issued) co_return user_failed(config, name, issued.error());
  // The token alone on stdout, for whoever passes it on; the rest for who reads along.
  std::cerr << "for " << name << ", once, within " << config::print_duration(issued->ttl) << ":" << std::endl;
  const std::string& page = config.users.reset.page;
  say(std::string(issued->token.reveal()));
  if (!page.empty()) std::cerr << gateway::link_to(page, issued->token.reveal()) << std::endl;
  co_return kFine;
}

int reset_token(const config::Config& config, const Wanted& wanted) {
  if (!config.users.reset.on || config.auth.endpoints.reset.empty()) {
    complain("nobody could use the token: say `users: {reset: on}` in the configuration");
    return kWrongInput;
  }
  return with_stores(config,
                     [&](stores::Stores& stores) { return make_reset_token(stores, config, wanted.name); });
}

Task<int> confirm_in_store(stores::Stores& stores, const config::Config& config, std::string name) {
  auto found = co_await stores.users->find_by_name(name);
  if (!found) co_return store_failed(config, found.error());
  if (found->has_value() && (*found)->email.empty()) {
    complain(name + " has no e-mail address: give one by sallyport user set " + name + " --email ADDRESS");
    co_return kWrongInput;
  }
  users::Edit edit_wanted;
  edit_wanted.email_confirmed = true;
  co_return co_await edit_in_store(stores, config, std::move(name), std::move(edit_wanted), "confirmed");
}

int confirm(const config::Config& config, const Wanted& wanted) {
  return with_stores(config,
                     [&](stores::Stores& stores) { return confirm_in_store(stores, config, wanted.name); });
}

Task<int> unlock_in_store(stores::Stores& stores, const config::Config& config, std::string name,
                          std::string address) {
  users::LoginThrottle throttle(*stores.attempts, config.auth.throttle);
  StoreResult<void> unlocked;
  if (address.empty())
    unlocked = co_await throttle.unlock(name);
  else
    unlocked = co_await throttle.unlock(name, address);
  if (!unlocked) co_return store_failed(config, unlocked.error());
  say("unlocked " + name + (address.empty() ? std::string() : " from " + address));
  co_return kFine;
}

int unlock(const config::Config& config, const Wanted& wanted) {
  return with_stores(config, [&](stores::Stores& stores) {
    return unlock_in_store(stores, config, wanted.name, wanted.address);
  });
}

// Disabled first, so that no login slips in between the last session and the removal.
Task<int> remove_from_store(stores::Stores& stores, const config::Config& config, std::string name) {
  users::HashingPool pool(1, 1);
  users::UserService service(*stores.users, *stores.attempts, pool, config.users, config.auth.throttle);
  users::Edit disable;
  disable.disabled = true;
  auto change = co_await service.edit(name, std::move(disable));
  if (!change) co_return user_failed(config, name, change.error());
  const std::string id = change->user.id;
  auto ended = co_await end_sessions(stores, config.tokens, id, sessions::EndCause::disabled);
  if (!ended) co_return store_failed(config, ended.error());
  auto removed = co_await stores.users->remove(id);
  if (!removed) co_return store_failed(config, removed.error());
  say("deleted " + name + ", ended " + std::to_string(*ended) + " session" + (*ended == 1 ? "" : "s"));
  co_return kFine;
}

int remove(const config::Config& config, const Wanted& wanted) {
  return with_stores(config,
                     [&](stores::Stores& stores) { return remove_from_store(stores, config, wanted.name); });
}

std::string as_json(const users::User& user) {
  namespace json = boost::json;
  json::object object{{"id", user.id},
                      {"username", user.name},
                      {"email", user.email},
                      {"email_confirmed", user.email_confirmed},
                      {"disabled", user.disabled}};
  object["roles"] = json::array(user.roles.begin(), user.roles.end());
  json::object& claims = object["claims"].emplace_object();
  for (const auto& [name, value] : user.claims) claims[name] = value;
  json::object& profile = object["profile"].emplace_object();
  for (const auto& [name, value] : user.profile) profile[name] = value;
  object["created"] =
      std::chrono::duration_cast<std::chrono::seconds>(user.created.time_since_epoch()).count();
  return json::serialize(object);
}

std::string as_text(const users::User& user) {
  std::string line = user.name + "  " + user.id + "  roles:";
  for (const auto& role : user.roles) line += " " + role;
  if (user.roles.empty()) line += " -";
  if (user.disabled) line += "  disabled";
  return line;
}

Task<int> list_store(stores::Stores& stores, const config::Config& config, bool json) {
  std::string cursor;
  do {
    auto page = co_await stores.users->list(cursor, 500);
    if (!page) co_return store_failed(config, page.error());
    for (const auto& user : page->users) say(json ? as_json(user) : as_text(user));
    cursor = page->next;
  } while (!cursor.empty());
  co_return kFine;
}

int list(const config::Config& config, const Wanted& wanted) {
  return with_stores(config, [&](stores::Stores& stores) { return list_store(stores, config, wanted.json); });
}

using Act = int (*)(const config::Config&, const Wanted&);

// What needs the account in the store of the gateway, and what goes with any `users.source`.
enum class Accounts { ours, anybodys };

CLI::App* add_act(CLI::App& user, Invocation& invocation, Wanted& wanted, const std::string& name,
                  const std::string& what, const std::string& example, Act act,
                  Accounts accounts = Accounts::ours) {
  CLI::App* command =
      add_command(user, invocation, name, what, example, [&invocation, &wanted, act, accounts] {
        int code = kFine;
        const auto config = load(invocation, code);
        if (!config) return code;
        if (accounts == Accounts::anybodys || config->users.source == "store") return act(*config, wanted);
        complain("users come from users.source: " + config->users.source +
                 "; they are managed there, and their "
                 "sessions are ended by sallyport revoke --user");
        return kWrongInput;
      });
  if (name != "list") command->add_option("name", wanted.name, "the user's name")->required();
  return command;
}

void add_list(CLI::App& command, const std::string& option, std::vector<std::string>& into,
              const std::string& what) {
  command.add_option(option, into, what)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_fields(CLI::App& command, Wanted& wanted) {
  add_list(command, "--role", wanted.roles, "a role; repeat for several, they replace the ones before");
  command.add_flag("--no-roles", wanted.no_roles, "no role at all");
  add_list(command, "--claim", wanted.claims, "name=value, goes into the token");
  add_list(command, "--profile", wanted.profile, "name=value, goes into the token response");
  command.add_option("--email", wanted.email, "the e-mail address");
  command.add_flag("--email-confirmed", wanted.confirmed, "the address is confirmed");
}

}  // namespace

void add_user(CLI::App& app, Invocation& invocation) {
  CLI::App* user = app.add_subcommand("user", "The users in the gateway's own store");
  user->require_subcommand(1);
  user->footer(
      "Example:\n  sallyport user add ada --role admin --password-file ada.txt --config gateway.yaml");
  const auto wanted = std::make_shared<Wanted>();
  user->callback([wanted] {});  // keeps it as long as the app
  Wanted& w = *wanted;

  CLI::App* added =
      add_act(*user, invocation, w, "add", "Add a user; the password comes from a file, stdin or a prompt",
              "sallyport user add ada --role admin --claim tenant=t1 < password.txt", add);
  add_fields(*added, w);
  added->add_option("--password-file", w.password_file, "read the password there");
  added->add_option("--hash-file", w.hash_file, "read a hash of another system there in place of a password");

  CLI::App* changed =
      add_act(*user, invocation, w, "set",
              "Change roles, claims, profile, e-mail; new roles or claims end the user's sessions",
              "sallyport user set ada --role clerk --role admin --remove-claim tenant", set);
  add_fields(*changed, w);
  add_list(*changed, "--remove-claim", w.remove_claims, "the name of a claim");
  add_list(*changed, "--remove-profile", w.remove_profile, "the name of a profile field");
  changed->add_flag("--email-unconfirmed", w.unconfirmed, "the address isn't confirmed");

  add_act(*user, invocation, w, "passwd", "Set a new password and end the user's sessions",
          "sallyport user passwd ada --password-file ada.txt", passwd)
      ->add_option("--password-file", w.password_file, "read the password there");
  add_act(*user, invocation, w, "reset-token",
          "Print a one-time token for a new password; give it to the user", "sallyport user reset-token ada",
          reset_token, Accounts::anybodys);
  add_act(*user, invocation, w, "disable", "Bar a user from logging in and end the sessions",
          "sallyport user disable ada", [](const config::Config& config, const Wanted& given) {
            users::Edit change;
            change.disabled = true;
            return edit(config, given.name, change, "disabled");
          });
  add_act(*user, invocation, w, "enable", "Let a disabled user log in again", "sallyport user enable ada",
          [](const config::Config& config, const Wanted& given) {
            users::Edit change;
            change.disabled = false;
            return edit(config, given.name, change, "enabled");
          });
  add_act(*user, invocation, w, "confirm", "Say that the user's e-mail address is confirmed",
          "sallyport user confirm ada", confirm);
  add_act(*user, invocation, w, "unlock",
          "Forget the failed logins of a user: from everywhere, or with --address from there",
          "sallyport user unlock ada --address 192.0.2.1", unlock, Accounts::anybodys)
      ->add_option("--address", w.address, "only those from this address");
  add_act(*user, invocation, w, "delete", "Delete a user and end the sessions", "sallyport user delete ada",
          remove);
  add_act(*user, invocation, w, "list", "List all users", "sallyport user list --json", list)
      ->add_flag("--json", w.json, "one JSON object a line");
}

}  // namespace sallyport::cli
