#include "auth/users/profile.hpp"

#include <algorithm>

#include "auth/users/text.hpp"

namespace sallyport::users {
namespace {

constexpr std::size_t kMaxEmail = 254;  // RFC 5321 4.5.3.1.3, less the angle brackets
constexpr std::size_t kMaxNumber = 30;  // more digits than any program that reads it can hold

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// E.164 knows up to 15 digits; what people write between them is left to them.
bool is_phone(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto digits = std::count_if(text.begin(), text.end(), is_digit);
  return digits >= 4 && digits <= 15 && text.size() <= 30 &&
         text.find_first_not_of("0123456789 -./()") == text.npos;
}

unsigned number_of(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

// RFC 3339 full-date, of a day that there is.
bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (const std::size_t i : {0, 1, 2, 3, 5, 6, 8, 9})
    if (!is_digit(text[i])) return false;
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number_of(text.substr(0, 4)))),
                                        std::chrono::month(number_of(text.substr(5, 2))),
                                        std::chrono::day(number_of(text.substr(8, 2)))};
  return day.ok();
}

// As JSON writes it, without an exponent.
bool is_number(std::string_view text) {
  if (text.size() > kMaxNumber) return false;
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  const auto all_digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  if (!all_digits(whole) || (whole.size() > 1 && whole.front() == '0')) return false;
  return dot == text.npos || all_digits(text.substr(dot + 1));
}

// `set` is a character class that the configuration's rules have passed.
bool in_class(std::string_view set, char c) {
  for (std::size_t i = 0; i < set.size(); ++i) {
    const bool range = i + 2 < set.size() && set[i + 1] == '-';
    if (range ? set[i] <= c && c <= set[i + 2] : set[i] == c) return true;
    if (range) i += 2;
  }
  return false;
}

std::string one_of(const std::vector<std::string>& values) {
  std::string list;
  for (const auto& value : values) list += (list.empty() ? "" : ", ") + value;
  return list;
}

std::string kind_problem(const config::ProfileField& field, std::string_view value) {
  switch (field.kind) {
    case config::ProfileKind::email:
      return plausible_email(value) ? "" : "The value must be an e-mail address.";
    case config::ProfileKind::phone:
      return is_phone(value) ? "" : "The value must be a telephone number such as +49 30 123456.";
    case config::ProfileKind::date:
      return is_date(value) ? "" : "The value must be a date such as 1990-12-31.";
    case config::ProfileKind::number:
      return is_number(value) ? "" : "The value must be a number such as 12 or -0.5.";
    case config::ProfileKind::text:
      break;
  }
  const auto fits = [&](char c) { return in_class(field.characters, c); };
  if (field.characters.empty() || std::all_of(value.begin(), value.end(), fits)) return {};
  return "The value must be made of " + field.characters + " only.";
}

}  // namespace

bool plausible_email(std::string_view email) {
  const auto at = email.find('@');
  return email.size() <= kMaxEmail && at != email.npos && at > 0 && at + 1 < email.size() &&
         email.find('@', at + 1) == email.npos && email.find_first_of(" \t,;<>()\"\\") == email.npos;
}

std::vector<std::string> profile_problems(const config::ProfileField& field, std::string_view value) {
  const auto characters = count_characters(value);
  if (!characters || has_control(value)) return {"The value must be text without control characters."};
  if (*characters > field.max_length)
    return {"The value must have at most " + std::to_string(field.max_length) + " characters."};
  if (!field.values.empty()) {
    if (std::find(field.values.begin(), field.values.end(), value) != field.values.end()) return {};
    return {"The value must be one of " + one_of(field.values) + "."};
  }
  std::vector<std::string> problems;
  if (*characters < field.min_length)
    problems.push_back("The value must have at least " + std::to_string(field.min_length) + " characters.");
  if (auto problem = kind_problem(field, value); !problem.empty()) problems.push_back(std::move(problem));
  return problems;
}

}  // namespace sallyport::users
