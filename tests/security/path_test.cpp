// Spellings of paths (SECURITY P1, P2, P4, P5). However a path is written, what arrives behind the public
// route must not lie under a private prefix, whichever way an upstream may read it: decoded once or more,
// backslashes as slashes, parameters cut, slashes merged, dot segments resolved, folded to ASCII.
#include <algorithm>
#include <cctype>
#include <set>

#include "tests/security/world.hpp"

namespace sallyport::testing {
namespace {

using namespace std::string_literals;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 5 < text.size() && (text[i + 1] == 'u' || text[i + 1] == 'U')) {  // IIS: %u002f
      out += static_cast<char>(hex(text[i + 4]) * 16 + hex(text[i + 5]));
      i += 5;
    } else if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Overlong forms as a careless decoder reads them.
std::string folded(std::string text) {
  const std::pair<std::string_view, char> forms[] = {
      {"\xc0\xaf", '/'}, {"\xc0\xae", '.'}, {"\xe0\x80\xaf", '/'}, {"\xe0\x80\xae", '.'}, {"\xc1\x9c", '\\'}};
  for (const auto& [form, plain] : forms)
    for (std::size_t at; (at = text.find(form)) != text.npos;) text.replace(at, form.size(), 1, plain);
  return text;
}

std::string without_parameters(std::string_view text) {
  std::string out;
  bool in = false;
  for (char c : text) {
    if (c == ';') in = true;
    if (c == '/') in = false;
    if (!in) out += c;
  }
  return out;
}

std::string merged(std::string_view text) {
  std::string out;
  for (char c : text)
    if (c != '/' || out.empty() || out.back() != '/') out += c;
  return out;
}

std::string resolved(std::string_view text) {
  std::vector<std::string> stack;
  while (!text.empty()) {
    text.remove_prefix(1);  // the slash
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string segment(text.substr(0, slash));
    text.remove_prefix(slash);
    if (segment == "..") {
      if (!stack.empty()) stack.pop_back();
    } else if (segment != ".") {
      stack.push_back(segment);
    }
  }
  std::string out;
  for (const std::string& segment : stack) out += "/" + segment;
  return out.empty() ? "/" : out;
}

// Every way in which somebody may read the target that arrived.
std::set<std::string> readings(const std::string& target) {
  std::set<std::string> found{target.substr(0, target.find('?'))};
  const auto add = [&](auto change) {
    std::set<std::string> more;
    for (const std::string& text : found) more.insert(change(text));
    found.merge(more);
  };
  const auto cut_at = [](std::string_view marks) {
    return [marks](const std::string& text) { return text.substr(0, text.find_first_of(marks)); };
  };
  add(cut_at("#"));
  for (int i = 0; i < 3; ++i) add(decoded);
  add(folded);
  add(cut_at("\0"s));
  add(cut_at("?#"));
  add([](std::string text) {
    std::replace(text.begin(), text.end(), '\\', '/');
    return text;
  });
  add([](std::string text) {
    std::erase_if(text, [](char c) { return c == '\t' || c == '\r' || c == '\n'; });
    return text;
  });
  add(without_parameters);
  add(merged);
  add(resolved);
  add(merged);
  add([](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  });
  return found;
}

bool reads_as_private(const std::string& target) {
  for (const std::string& reading : readings(target))
    for (std::string_view secret : {"/private", "/admin", "/public/private", "/claims"})
      if (reading.starts_with(secret) && (reading.size() == secret.size() || reading[secret.size()] == '/'))
        return true;
  return false;
}

TEST(Readings, FindWhatCarelessUpstreamsWould) {
  for (const char* target :
       {"/public/../private/a", "/public/%2e%2e/private", "/public/..%2fprivate",
        "/public/%252e%252e/private", "/public/..;/private", "/public/..\\private",
        "/public/%c0%ae%c0%ae/private", "//private", "/public/a/..//../private", "/PRIVATE/a",
        "/public/;/private/a", "/private;x/a", "/public/%u002e%u002e/private"})
    EXPECT_TRUE(reads_as_private(target)) << target;
  for (const char* target : {"/public/a", "/public/private-not", "/public/a%20b", "/public/x?../private"})
    EXPECT_FALSE(reads_as_private(target)) << target;
}

struct Spelling {
  const char* name;
  std::string target;
  int status = 400;  // 0: any; the verdict is what arrived
};

std::vector<Spelling> spellings() {
  return {
      // dot segments
      {"dots", "/public/../private/x"},
      {"dots_at_end", "/public/a/.."},
      {"dots_twice", "/public/a/../../private/x"},
      {"dots_beyond_root", "/../../private/x"},
      {"one_dot", "/public/./private/x"},
      {"one_dot_at_end", "/public/."},
      {"one_dot_before", "/./private/x"},
      {"dots_escaped_lower", "/public/%2e%2e/private/x"},
      {"dots_escaped_upper", "/public/%2E%2E/private/x"},
      {"dots_half_escaped", "/public/.%2e/private/x"},
      {"dots_other_half_escaped", "/public/%2e./private/x"},
      {"one_dot_escaped", "/public/%2e/private/x"},
      {"dots_twice_escaped", "/public/%252e%252e/private/x"},
      {"dots_three_times_escaped", "/public/%25252e%25252e/private/x"},
      {"dots_mixed_double", "/public/.%252e/private/x"},
      {"dots_escaped_percent_hex", "/public/%25%32%65%25%32%65/private/x"},
      {"dots_iis_unicode", "/public/%u002e%u002e/private/x"},
      {"dots_with_parameter", "/public/..;/private/x"},
      {"dots_with_named_parameter", "/public/..;a=b/private/x"},
      {"dots_with_escaped_parameter", "/public/..%3b/private/x"},
      {"dots_escaped_with_parameter", "/public/%2e%2e;/private/x"},
      {"one_dot_with_parameter", "/public/.;/private/x"},
      {"dots_overlong_two", "/public/%c0%ae%c0%ae/private/x"},
      {"dots_overlong_three", "/public/%e0%80%ae%e0%80%ae/private/x"},
      {"dots_overlong_four", "/public/%f0%80%80%ae%f0%80%80%ae/private/x"},
      // slashes
      {"slash_escaped", "/public%2fprivate/x"},
      {"slash_escaped_upper", "/public/a%2Fb"},
      {"slash_escaped_after_dots", "/public/..%2fprivate/x"},
      {"slash_escaped_before_dots", "/public/a%2f..%2f..%2fprivate/x"},
      {"slash_twice_escaped", "/public/..%252fprivate/x"},
      {"slash_overlong", "/public/..%c0%afprivate/x"},
      {"slash_overlong_three", "/public/..%e0%80%afprivate/x"},
      {"slash_iis_unicode", "/public/..%u002fprivate/x"},
      {"backslash", "/public/..\\private/x"},
      {"backslash_first", "/\\private/x"},
      {"backslash_escaped", "/public/..%5cprivate/x"},
      {"backslash_escaped_upper", "/public/..%5Cprivate/x"},
      {"backslash_twice_escaped", "/public/..%255cprivate/x"},
      {"backslash_overlong", "/public/..%c1%9cprivate/x"},
      {"slashes_doubled_inside", "/public//private/x"},
      {"slashes_doubled_first", "//private/x"},
      {"slashes_tripled", "///private/x"},
      {"slashes_doubled_at_end", "/public/a//"},
      {"slashes_doubled_before_dots", "/public//../private/x"},
      {"slash_escaped_doubled", "/public/%2f/private/x"},
      {"authority_lookalike", "//test.example/private/x"},
      // parameters
      {"parameter_alone_in_segment", "/public/;/private/x"},
      {"parameter_first", "/;a/private/x", 0},
      {"parameter_hides_route", "/private;a/x"},
      {"parameter_behind_prefix", "/public;a/private/x", 0},
      {"parameter_in_nested_private", "/public/private;a/x"},
      {"parameter_escaped_in_nested_private", "/public/private%3ba/x"},
      {"parameter_after_public", "/public;/../private/x"},
      {"parameter_path_like", "/public/;/../private/x"},
      // controls, encodings, ends
      {"nul_escaped", "/public/%00/private/x"},
      {"nul_escaped_at_end", "/public/a%00"},
      {"nul_cuts_private", "/private%00/x"},
      {"tab_escaped", "/public/%09../private/x"},
      {"lf_escaped", "/public/%0a../private/x"},
      {"cr_lf_escaped", "/public/%0d%0aX-Auth-Subject:%20root"},
      {"delete_escaped", "/public/%7f"},
      {"control_c1_overlong", "/public/%c0%80"},
      {"blank_escaped_after_dots", "/public/..%20/private/x", 0},
      {"invalid_escape", "/public/%zz"},
      {"cut_escape", "/public/%2"},
      {"cut_escape_at_end", "/public/%"},
      {"escape_plus_sign", "/public/%+2e"},
      {"bad_utf8", "/public/%ff"},
      {"bad_utf8_surrogate", "/public/%ed%a0%80"},
      {"bad_utf8_beyond", "/public/%f4%90%80%80"},
      {"bad_utf8_cut", "/public/%c3"},
      {"bad_utf8_continuation", "/public/%80"},
      {"raw_high_byte", "/public/\xff"},
      {"raw_utf8", "/public/\xc3\xa9"},
      {"fragment", "/public/a#/private/x"},
      {"fragment_first", "/public#/../private/x"},
      {"fragment_escaped", "/public/a%23/../private/x"},
      {"query_escaped", "/public/%3f/../private/x"},
      {"no_slash", "private/x"},
      {"dots_first", "../private/x"},
      {"query_only", "?/private/x"},
      {"asterisk", "*"},
      {"asterisk_prefix", "*/private/x"},
      // plain and case
      {"private_itself", "/private/x", 401},
      {"private_without_slash", "/private", 401},
      {"private_escaped_letter", "/%70rivate/x", 401},
      {"private_all_escaped", "/%70%72%69%76%61%74%65/x", 401},
      {"private_twice_escaped_letter", "/%2570rivate/x"},
      {"private_upper_case", "/PRIVATE/x", 404},
      {"nested_private", "/public/private/x", 401},
      {"nested_private_escaped", "/public/%70rivate/x", 401},
      {"nested_private_double", "/public/%2570rivate/x"},
      {"admin", "/admin/x", 401},
      {"lookalike_of_public", "/public-evil/x", 404},
      {"lookalike_with_dot", "/public.private/x", 404},
      {"public_without_slash", "/public", 200},
      {"root", "/", 404},
      {"private_in_query", "/public/a?x=/../private/x", 200},
      {"question_marks",
       "/public/a?"
       "?/../private/x",
       200},
      {"files_slash_passed", "/files/a%2fb", 200},
      {"files_dots_escaped_slash", "/files/..%2f..%2fprivate/x"},
      {"files_dots_in_escaped_slashes", "/files/a%2f..%2f..%2fprivate"},
      {"strip_to_private", "/strip/private/x", 0},
      {"strip_doubled", "/strip/strip/a", 200},
  };
}

class PathSpelling : public WorldTable<Spelling> {};

TEST_P(PathSpelling, NeverReachesAPrivateResource) {
  const auto& [name, target, status] = GetParam();
  const std::size_t open_before = world().open.requests().size();
  const std::size_t guarded_before = world().guarded.requests().size();
  const Talk talk = world().talk("GET " + target + " HTTP/1.1\r\nHost: test.example\r\n\r\n", 1, false);
  ASSERT_EQ(talk.responses.size(), 1u) << talk.leftover;
  if (status != 0) {
    EXPECT_EQ(talk.status(), status) << target;
  }
  EXPECT_EQ(world().guarded.requests().size(), guarded_before) << "behind a private route without a token";
  const auto requests = world().open.requests();
  for (std::size_t i = open_before; i < requests.size(); ++i) {
    // What strip_prefix leaves is the operator's own wish: only its dot segments and the like are judged.
    if (target.starts_with("/strip/")) continue;
    EXPECT_FALSE(reads_as_private(requests[i].target)) << target << " arrived as " << requests[i].target;
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, PathSpelling, ::testing::ValuesIn(spellings()), RowName());

// --- Spellings that are the same path arrive as one, those that are allowed pass. ---

struct Same {
  const char* name;
  const char* target;
  const char* arrives;
};

class PathArrives : public WorldTable<Same> {};

TEST_P(PathArrives, InOneSpelling) {
  const Response response = world().client().get(GetParam().target);
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(world().open.last().target, GetParam().arrives);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, PathArrives,
    ::testing::Values(
        Same{"plain", "/public/a/b", "/public/a/b"}, Same{"final_slash", "/public/a/", "/public/a/"},
        Same{"prefix_itself", "/public/", "/public/"},
        Same{"unreserved_decoded", "/public/%61%2D%5f%7E", "/public/a-_~"},
        Same{"hex_in_capitals", "/public/%c3%a9", "/public/%C3%A9"},
        Same{"blank_stays", "/public/a%20b", "/public/a%20b"},
        Same{"dots_inside_names", "/public/a..b/...", "/public/a..b/..."},
        Same{"hidden_file", "/public/.well-known/x", "/public/.well-known/x"},
        Same{"parameters", "/public/a;v=1/b", "/public/a;v=1/b"},
        Same{"sub_delims", "/public/a!$&'()*+,=:@", "/public/a!$&'()*+,=:@"},
        Same{"percent_sign", "/public/100%25", "/public/100%25"},
        Same{"query_untouched", "/public/a?b=%2e%2F&c=/../x&%zz", "/public/a?b=%2e%2F&c=/../x&%zz"},
        Same{"empty_query", "/public/a?", "/public/a?"},
        Same{"escaped_slash_where_allowed", "/files/a%2fb", "/files/a%2Fb"},
        Same{"prefix_cut", "/strip/a", "/a"}, Same{"prefix_cut_once", "/strip/strip/a", "/strip/a"},
        Same{"prefix_cut_to_root", "/strip/", "/"}),
    RowName());

// --- P4: rules see the request line and nothing else. ---

class RoutingInputs : public WorldTest {};

TEST_F(RoutingInputs, HeadersNeverChangeRouteOrMethod) {
  for (const char* name :
       {"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Path", "X-Forwarded-Prefix",
        "X-Forwarded-Method", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}) {
    const Headers towards_public{{name, "/public/a"}}, as_get{{name, "GET"}};
    EXPECT_EQ(world().client().get("/private/x", towards_public).status, 401) << name;
    EXPECT_EQ(world().client().call("PUT", "/post-only/x", {{name, "POST"}}).status, 405) << name;
    EXPECT_EQ(world().client().get("/private/x", as_get).status, 401) << name;
  }
  EXPECT_EQ(world().client().get("/private/x?/public/").status, 401);
  EXPECT_EQ(world().client().get("/private/x?access=/oauth2/skip").status, 401);
}

// P5: only a real preflight goes without a token.
TEST_F(RoutingInputs, OptionsIsNoWayAroundAuthentication) {
  const std::size_t before = world().guarded.requests().size();
  const Headers origin{{"Origin", "https://app.test"}};
  const Headers preflight{{"Origin", "https://app.test"}, {"Access-Control-Request-Method", "GET"}};
  EXPECT_EQ(world().client().call("OPTIONS", "/private/x").status, 401);
  EXPECT_EQ(world().client().call("OPTIONS", "/private/x", preflight).status, 401);
  EXPECT_EQ(world().client().call("OPTIONS", "/cors/x", origin).status, 401);
  const Headers asks_for_post{{"Origin", "https://app.test"}, {"Access-Control-Request-Method", "POST"}};
  EXPECT_EQ(world().client().call("OPTIONS", "/post-only/x", asks_for_post).status, 405);
  EXPECT_EQ(world().open.requests("/post-only/x").size(), 0u);
  EXPECT_EQ(world().client().call("OPTIONS", "/cors/x", preflight).status, 204);
  EXPECT_EQ(world().client().call("GET", "/cors/x", preflight).status, 401);
  EXPECT_EQ(world().client().call("POST", "/cors/x", preflight).status, 401);
  EXPECT_EQ(world().guarded.requests().size(), before);
}

}  // namespace
}  // namespace sallyport::testing
