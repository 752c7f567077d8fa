#include "auth/stores/postgres/user_row.hpp"

#include <algorithm>
#include <array>

namespace sallyport::stores::postgres {
namespace {

constexpr std::string_view kClaim = "claims.", kProfile = "profile.";
constexpr std::array<std::string_view, 7> kColumns{
    "id", "name", "password_hash", "email", "email_confirmed", "disabled", "roles"};
constexpr std::size_t kNeeded = 3;  // the first of them

bool has(const std::vector<std::string>& columns, std::string_view name) {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

// A boolean column, a number or a word.
std::optional<bool> truth(std::string_view text) {
  for (const std::string_view yes : {"t", "true", "1", "y", "yes"})
    if (text == yes) return true;
  for (const std::string_view no : {"f", "false", "0", "n", "no"})
    if (text == no) return false;
  return std::nullopt;
}

// One column's value into the user; false: it can't be read as what the column is for.
bool apply(std::string_view column, const std::string& value, users::User& user) {
  if (column == "id") user.id = value;
  if (column == "name") user.name = value;
  if (column == "password_hash") user.password_hash = value;
  if (column == "email") user.email = value;
  if (column == "roles") user.roles = parse_roles(value);
  if (column.starts_with(kClaim)) user.claims[std::string(column.substr(kClaim.size()))] = value;
  if (column.starts_with(kProfile)) user.profile[std::string(column.substr(kProfile.size()))] = value;
  if (column != "disabled" && column != "email_confirmed") return true;
  const auto is = truth(value);
  if (is) (column == "disabled" ? user.disabled : user.email_confirmed) = *is;
  return is.has_value();
}

}  // namespace

std::string column_flaw(const std::vector<std::string>& columns) {
  for (std::size_t i = 0; i < kNeeded; ++i)
    if (!has(columns, kColumns[i]))
      return "it has no column " + std::string(kColumns[i]) + "; write ... AS " + std::string(kColumns[i]);
  for (const std::string& column : columns) {
    const bool known = std::find(kColumns.begin(), kColumns.end(), column) != kColumns.end();
    if (!known && !column.starts_with(kClaim) && !column.starts_with(kProfile))
      return "the column " + column +
             " says nothing to us; known: id, name, password_hash, email, email_confirmed, disabled, roles, "
             "\"claims.NAME\", \"profile.NAME\"";
  }
  return {};
}

boost::system::result<std::optional<users::User>, RowFlaw> user_of(const Answer& answer) {
  if (std::string flaw = column_flaw(answer.columns); !flaw.empty()) return RowFlaw{flaw};
  if (answer.rows.empty()) return std::optional<users::User>();
  if (answer.rows.size() > 1)
    return RowFlaw{"it returned " + std::to_string(answer.rows.size()) +
                   " rows for one user; a user must be one row"};
  users::User user;
  user.email_confirmed = !has(answer.columns, "email_confirmed");
  for (std::size_t i = 0; i < answer.columns.size(); ++i) {
    const std::optional<std::string>& value = answer.rows.front()[i];
    if (value && !apply(answer.columns[i], *value, user))
      return RowFlaw{"the column " + answer.columns[i] + " holds neither true nor false"};
  }
  if (user.id.empty() || user.name.empty()) return RowFlaw{"the row has no id or no name"};
  return std::optional(std::move(user));
}

std::vector<std::string> parse_roles(std::string_view text) {
  const bool array = text.size() >= 2 && text.front() == '{' && text.back() == '}';
  if (array) text = text.substr(1, text.size() - 2);
  std::vector<std::string> roles;
  std::string role;
  bool quoted = false, was_quoted = false;
  const auto finish = [&] {
    if (!role.empty() && (was_quoted || !array || role != "NULL")) roles.push_back(role);
    role.clear();
    was_quoted = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (array && c == '"') {
      quoted = !quoted;
      was_quoted = true;
    } else if (array && c == '\\' && i + 1 < text.size()) {
      role += text[++i];
    } else if (c == ',' && !quoted) {
      finish();
    } else if (c != ' ' || quoted || (!array && !role.empty())) {
      role += c;
    }
  }
  finish();
  return roles;
}

}  // namespace sallyport::stores::postgres
