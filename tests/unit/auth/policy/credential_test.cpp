// Authorization, taken apart: RFC 6750 section 2.1, CONTRACT section 3 step 5.
#include "auth/policy/credential.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace sallyport::policy {
namespace {

using Kind = Credential::Kind;

struct Row {
  const char* name;
  std::vector<std::string_view> values;
  Kind kind;
  std::string_view token = {};
};
class Authorization : public testing::TestWithParam<Row> {};

// H5, J11, J12 of SECURITY.
TEST_P(Authorization, IsReadAsTheContractSays) {
  const Credential credential = parse_authorization(GetParam().values);
  EXPECT_EQ(credential.kind, GetParam().kind);
  EXPECT_EQ(credential.token, GetParam().token);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Authorization,
    testing::Values(Row{"no_field", {}, Kind::none},                                            //
                    Row{"bearer", {"Bearer a.b-c_d.e"}, Kind::bearer, "a.b-c_d.e"},             //
                    Row{"lower_case", {"bearer abc"}, Kind::bearer, "abc"},                     //
                    Row{"mixed_case", {"bEaReR abc"}, Kind::bearer, "abc"},                     //
                    Row{"many_spaces", {"Bearer    abc"}, Kind::bearer, "abc"},                 //
                    Row{"blanks_around", {" \tBearer abc \t"}, Kind::bearer, "abc"},            //
                    Row{"all_token68", {"Bearer aZ09-._~+/=="}, Kind::bearer, "aZ09-._~+/=="},  //
                    Row{"scheme_alone", {"Bearer"}, Kind::malformed},                           //
                    Row{"scheme_and_space", {"Bearer "}, Kind::malformed},                      //
                    Row{"two_tokens", {"Bearer a b"}, Kind::malformed},                         //
                    Row{"list", {"Bearer a, Bearer b"}, Kind::malformed},                       //
                    Row{"comma_for_space", {"Bearer,abc"}, Kind::malformed},                    //
                    Row{"tab_for_space", {"Bearer\tabc"}, Kind::malformed},                     //
                    Row{"tab_after_space", {"Bearer \tabc"}, Kind::malformed},                  //
                    Row{"padding_only", {"Bearer =="}, Kind::malformed},                        //
                    Row{"padding_inside", {"Bearer a=b"}, Kind::malformed},                     //
                    Row{"quotes", {"Bearer \"abc\""}, Kind::malformed},                         //
                    Row{"high_byte", {"Bearer ab\xff"}, Kind::malformed},                       //
                    Row{"nul", {std::string_view("Bearer a\0b", 10)}, Kind::malformed},         //
                    Row{"repeated", {"Bearer a", "Bearer a"}, Kind::malformed},                 //
                    Row{"repeated_other", {"Basic a", "Bearer b"}, Kind::malformed},            //
                    Row{"other_scheme", {"Basic dTpw"}, Kind::none},                            //
                    Row{"longer_scheme", {"BearerX abc"}, Kind::none},                          //
                    Row{"shorter_scheme", {"Beare abc"}, Kind::none},                           //
                    Row{"empty", {""}, Kind::none}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace sallyport::policy
