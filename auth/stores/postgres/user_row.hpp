// What a row of the team's own table says about a user. Pure: names and texts in, a User or a reason out.
#pragma once

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/users/user.hpp"

namespace sallyport::stores::postgres {

using Row = std::vector<std::optional<std::string>>;  // nullopt: NULL

// A query's answer, all values in PostgreSQL's text form.
struct Answer {
  std::vector<std::string> columns;
  std::vector<Row> rows;
  std::uint64_t affected = 0;  // rows that an UPDATE changed
};

// Empty: the columns can make a user. Else which one is missing or unknown, for the operator.
std::string column_flaw(const std::vector<std::string>& columns);

// What is wrong with an answer, for the operator; it quotes no value.
struct RowFlaw {
  std::string text;
};
// nullopt: no row.
boost::system::result<std::optional<users::User>, RowFlaw> user_of(const Answer& answer);

// `{a,"b c"}` as PostgreSQL writes an array, else names with commas between. Empty and NULL elements are
// dropped.
std::vector<std::string> parse_roles(std::string_view text);

}  // namespace sallyport::stores::postgres
