// Host and absolute-form (SECURITY B3, B8, P1): one host decides, junk is refused, and a route bound to a
// host can't be reached by naming another.
#include "tests/security/world.hpp"

namespace sallyport::testing {
namespace {

using namespace std::string_literals;

struct Row {
  const char* name;
  std::string bytes;
  int status;
  std::string host;  // what the origin must have seen, where it passes
};

std::string with_host(const std::string& lines) { return "GET /public/a HTTP/1.1\r\n" + lines + "\r\n"; }
std::string line(const std::string& target, const std::string& host) {
  return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

std::vector<Row> rows() {
  return {
      {"none", with_host(""), 400, ""},
      {"two", with_host("Host: t\r\nHost: t\r\n"), 400, ""},
      {"two_different", with_host("Host: t\r\nHost: admin.test\r\n"), 400, ""},
      {"two_in_other_case", with_host("Host: t\r\nhOST: admin.test\r\n"), 400, ""},
      {"empty", with_host("Host:\r\n"), 400, ""},
      {"blank", with_host("Host:  \r\n"), 400, ""},
      {"list", with_host("Host: t, admin.test\r\n"), 400, ""},
      {"user_info", with_host("Host: t@admin.test\r\n"), 400, ""},
      {"path_behind", with_host("Host: t/admin\r\n"), 400, ""},
      {"query_behind", with_host("Host: t?x\r\n"), 400, ""},
      {"fragment_behind", with_host("Host: t#x\r\n"), 400, ""},
      {"backslash", with_host("Host: t\\admin.test\r\n"), 400, ""},
      {"blank_inside", with_host("Host: t admin.test\r\n"), 400, ""},
      {"control_inside", with_host("Host: t\x01x\r\n"), 400, ""},
      {"nul_inside", with_host("Host: t\0x\r\n"s), 400, ""},
      {"high_bytes", with_host("Host: t\xc3\xa9\r\n"), 400, ""},
      {"port_empty", with_host("Host: t:\r\n"), 400, ""},
      {"port_word", with_host("Host: t:http\r\n"), 400, ""},
      {"port_too_big", with_host("Host: t:65536\r\n"), 400, ""},
      {"port_zero", with_host("Host: t:0\r\n"), 400, ""},
      {"port_negative", with_host("Host: t:-1\r\n"), 400, ""},
      {"port_twice", with_host("Host: t:80:80\r\n"), 400, ""},
      {"port_alone", with_host("Host: :80\r\n"), 400, ""},
      {"bracket_open", with_host("Host: [::1\r\n"), 400, ""},
      {"bracket_junk", with_host("Host: [junk]\r\n"), 400, ""},
      {"bracket_text_behind", with_host("Host: [::1]x\r\n"), 400, ""},
      {"template_injection", with_host("Host: ${jndi:ldap://x}\r\n"), 400, ""},
      {"angle_brackets", with_host("Host: <script>\r\n"), 400, ""},
      {"blank_before_colon", with_host("Host : t\r\n"), 400, ""},
      {"folded", with_host("Host: t\r\n .evil\r\n"), 400, ""},
      {"too_long", with_host("Host: " + std::string(300, 'a') + "\r\n"), 400, ""},
      {"disguised_second", with_host("Host: t\r\nHo_st: admin.test\r\n"), 200, "t"},
      {"name", with_host("Host: t\r\n"), 200, "t"},
      {"name_and_port", with_host("Host: t:8080\r\n"), 200, "t:8080"},
      {"address", with_host("Host: 127.0.0.1\r\n"), 200, "127.0.0.1"},
      {"address_v6", with_host("Host: [::1]:80\r\n"), 200, "[::1]:80"},
      {"other_hosts_for_routing_ignored",
       with_host("Host: t\r\nX-Forwarded-Host: admin.test\r\nX-Host: admin.test\r\n"), 200, "t"},
      // A route of its own host: whoever names it needs its token.
      {"guarded_host", line("/status", "admin.test"), 401, ""},
      {"guarded_host_in_capitals", line("/status", "ADMIN.TEST"), 401, ""},
      {"guarded_host_with_port", line("/status", "admin.test:80"), 401, ""},
      {"guarded_host_with_final_dot", line("/status", "admin.test."), 401, ""},
      {"public_path_of_guarded_host_with_final_dot", line("/public/a", "admin.test."), 401, ""},
      {"public_path_of_guarded_host", line("/public/a", "admin.test"), 401, ""},
      {"app_host", line("/status", "app.test"), 200, "app.test"},
      {"app_host_in_capitals", line("/status", "App.Test"), 200, "App.Test"},
      {"unknown_host", line("/status", "other.test"), 404, ""},
      {"sub_host", line("/status", "x.app.test"), 404, ""},
      // Absolute-form.
      {"absolute", line("http://t/public/a", "t"), 200, "t"},
      {"absolute_https", line("https://t/public/a", "t"), 200, "t"},
      {"absolute_scheme_in_capitals", line("HTTP://t/public/a", "t"), 200, "t"},
      {"absolute_other_host", line("http://admin.test/public/a", "t"), 400, ""},
      {"absolute_hides_host", line("http://t/public/a", "admin.test"), 400, ""},
      {"absolute_guarded", line("http://admin.test/status", "admin.test"), 401, ""},
      {"absolute_other_port", line("http://t:81/public/a", "t"), 400, ""},
      {"absolute_user_info", line("http://u@t/public/a", "t"), 400, ""},
      {"absolute_user_info_lookalike", line("http://t@admin.test/public/a", "t"), 400, ""},
      {"absolute_without_host_field", "GET http://t/public/a HTTP/1.1\r\n\r\n", 400, ""},
      {"absolute_empty_authority", line("http:///public/a", "t"), 400, ""},
      {"absolute_backslash", line("http:\\\\t\\public", "t"), 400, ""},
      {"absolute_one_slash", line("http:/public/a", "t"), 400, ""},
      {"absolute_file", line("file:///etc/passwd", "t"), 400, ""},
      {"absolute_ftp", line("ftp://t/public/a", "t"), 400, ""},
      {"absolute_ws", line("ws://t/public/a", "t"), 400, ""},
      {"absolute_dots", line("http://t/public/../private/x", "t"), 400, ""},
      {"absolute_no_path", line("http://t", "t"), 404, ""},
      {"authority_form", line("t:80", "t:80"), 400, ""},
      {"options_asterisk", "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", 0, ""},
      {"options_asterisk_guarded_host", "OPTIONS * HTTP/1.1\r\nHost: admin.test\r\n\r\n", 0, ""},
      {"http10_without_host", "GET /public/a HTTP/1.0\r\n\r\n", 200, ""},
  };
}

class HostRule : public WorldTable<Row> {};

TEST_P(HostRule, IsJudgedOnce) {
  const std::size_t open = world().open.requests().size(), guarded = world().guarded.requests().size();
  const Talk talk = world().talk(GetParam().bytes, 1, false);
  ASSERT_EQ(talk.responses.size(), 1u) << talk.leftover;
  if (GetParam().status != 0) {
    EXPECT_EQ(talk.status(), GetParam().status);
  }
  EXPECT_EQ(world().guarded.requests().size(), guarded) << "without a token";
  EXPECT_EQ(world().open.requests().size(), open + (talk.status() == 200 ? 1 : 0));
  if (GetParam().status != 200) return;
  const RecordedRequest seen = world().open.last();
  EXPECT_TRUE(seen.target.starts_with("/")) << seen.target;
  ASSERT_EQ(seen.headers.count("Host"), 1u) << seen.raw;
  if (!GetParam().host.empty()) {
    EXPECT_EQ(seen.headers.get("Host"), GetParam().host);
  }
}

INSTANTIATE_TEST_SUITE_P(Hosts, HostRule, ::testing::ValuesIn(rows()), RowName());

}  // namespace
}  // namespace sallyport::testing
