// The path normaliser (SECURITY P1): one spelling, refusals by code, and the property that it never changes
// its own result.
#include "gateway/path.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sallyport::gateway {
namespace {

struct Good {
  const char *raw, *path;
};

TEST(NormalisePath, DecodesWhatIsUnreservedAndUpperCasesTheRest) {
  for (const Good& row :
       {Good{"/", "/"}, Good{"/a/b-c_d.e~f", "/a/b-c_d.e~f"}, Good{"/%61%2Db%2e%7E", "/a-b.~"},
        Good{"/a%20b", "/a%20b"}, Good{"/%c3%a9", "/%C3%A9"}, Good{"/a%3ab", "/a%3Ab"}, Good{"/a/", "/a/"},
        Good{"/...", "/..."}, Good{"/.a/..b", "/.a/..b"}, Good{"/100%25", "/100%25"},
        Good{"/%25/x", "/%25/x"}, Good{"/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b"},
        Good{"/%f0%9f%98%80", "/%F0%9F%98%80"}, Good{"/a|b", "/a|b"}}) {
    std::string scratch;
    const NormalPath result = normalise_path(row.raw, scratch);
    EXPECT_EQ(result.refusal, "") << row.raw;
    EXPECT_EQ(result.path, row.path);
    EXPECT_FALSE(result.doubtful()) << row.raw;
  }
}

struct Bad {
  const char *raw, *code;
};

TEST(NormalisePath, RefusesInsteadOfRepairing) {
  for (const Bad& row : {Bad{"", "no_slash"},
                         Bad{"a", "no_slash"},
                         Bad{"*", "no_slash"},
                         Bad{"/..", "dot_segment"},
                         Bad{"/.", "dot_segment"},
                         Bad{"/a/../b", "dot_segment"},
                         Bad{"/a/./b", "dot_segment"},
                         Bad{"/a/..", "dot_segment"},
                         Bad{"/%2e%2e/b", "dot_segment"},
                         Bad{"/.%2E/b", "dot_segment"},
                         Bad{"/%2e", "dot_segment"},
                         Bad{"/a/..;/b", "dot_segment"},
                         Bad{"/a/..;x=y/b", "dot_segment"},
                         Bad{"/a/.;/b", "dot_segment"},
                         Bad{"/a/..%3b/b", "dot_segment"},
                         Bad{"/a/..%2fb", "dot_segment"},
                         Bad{"/a%2f..%2fb", "dot_segment"},
                         Bad{"/a%2F%2e%2e;x%2fb", "dot_segment"},
                         Bad{"/a/%2e%2e%2fb", "dot_segment"},
                         Bad{"/a\\b", "bad_byte_in_path"},
                         Bad{"/a%5cb", "encoded_backslash"},
                         Bad{"/..%5C..", "encoded_backslash"},
                         Bad{"/%00", "encoded_control"},
                         Bad{"/%0d%0a", "encoded_control"},
                         Bad{"/%7f", "encoded_control"},
                         Bad{"/%09", "encoded_control"},
                         Bad{"/\x01", "bad_byte_in_path"},
                         Bad{"/\x7f", "bad_byte_in_path"},
                         Bad{"/\xc3\xa9", "bad_byte_in_path"},
                         Bad{"/a b", "bad_byte_in_path"},
                         Bad{"/a#b", "bad_byte_in_path"},
                         Bad{"/a?b", "bad_byte_in_path"},
                         Bad{"/%", "bad_escape"},
                         Bad{"/%2", "bad_escape"},
                         Bad{"/%zz", "bad_escape"},
                         Bad{"/%u002e", "bad_escape"},
                         Bad{"/%252e%252e/b", "double_encoding"},
                         Bad{"/%252f", "double_encoding"},
                         Bad{"/%25%32%65", "double_encoding"},
                         Bad{"/%25252e", "double_encoding"},
                         Bad{"/%2525%32e", "double_encoding"},
                         Bad{"/%ff", "bad_utf8"},
                         Bad{"/%c0%ae", "bad_utf8"},
                         Bad{"/%c0%af", "bad_utf8"},
                         Bad{"/%e0%80%ae", "bad_utf8"},
                         Bad{"/%ed%a0%80", "bad_utf8"},
                         Bad{"/%f4%90%80%80", "bad_utf8"},
                         Bad{"/%c3", "bad_utf8"},
                         Bad{"/%c3/%a9", "bad_utf8"},
                         Bad{"/%c3a", "bad_utf8"},
                         Bad{"/%a9", "bad_utf8"},
                         Bad{"/%f8%88%80%80%80", "bad_utf8"}}) {
    std::string scratch;
    EXPECT_EQ(normalise_path(row.raw, scratch).refusal, row.code) << row.raw;
  }
}

TEST(NormalisePath, TellsWhatOnlyARouteMayPermit) {
  std::string scratch;
  EXPECT_TRUE(normalise_path("/a%2fb", scratch).encoded_slash);
  EXPECT_EQ(normalise_path("/a%2fb", scratch).path, "/a%2Fb");
  EXPECT_TRUE(normalise_path("//a", scratch).empty_segment);
  EXPECT_TRUE(normalise_path("/a//", scratch).empty_segment);
  EXPECT_TRUE(normalise_path("/;x/a", scratch).empty_segment);
  EXPECT_TRUE(normalise_path("/a/%3bx", scratch).empty_segment);
  EXPECT_FALSE(normalise_path("/a/", scratch).empty_segment);
  EXPECT_TRUE(normalise_path("/a;x/b", scratch).parameters);
  EXPECT_TRUE(normalise_path("/a%3bx", scratch).parameters);
}

// P1: 1e6 random paths of the bytes that matter.
TEST(NormalisePath, IsIdempotent) {
  std::mt19937_64 random(20250601);
  const std::vector<std::string> pieces{"/",   "/",   "a",   "B",  ".",   "..",  ";",   "%2e", "%2E", "%2f",
                                        "%25", "%32", "%65", "2e", "%61", "%3b", "%c3", "%a9", "%5c", "%20",
                                        "//",  "%",   "e",   "f",  "2",   "~",   "%7e", ":"};
  std::string raw, first, second;
  std::size_t good = 0;
  for (int round = 0; round < 1'000'000; ++round) {
    raw = "/";
    for (auto n = random() % 8; n > 0; --n) raw += pieces[random() % pieces.size()];
    const NormalPath once = normalise_path(raw, first);
    if (!once.good()) continue;
    ++good;
    const NormalPath twice = normalise_path(once.path, second);
    ASSERT_TRUE(twice.good()) << raw << " -> " << once.path << ": " << twice.refusal;
    ASSERT_EQ(twice.path, once.path) << raw;
    ASSERT_EQ(twice.encoded_slash, once.encoded_slash) << raw;
    ASSERT_EQ(twice.empty_segment, once.empty_segment) << raw;
    ASSERT_EQ(twice.parameters, once.parameters) << raw;
    ASSERT_EQ(once.path.find("/../"), once.path.npos) << raw;
  }
  EXPECT_GT(good, 100'000u);
}

TEST(WithoutPrefix, CutsAtASegmentsEndOnly) {
  EXPECT_EQ(without_prefix("/api/orders/1", "/api"), "/orders/1");
  EXPECT_EQ(without_prefix("/api/orders/1", "/api/"), "/orders/1");
  EXPECT_EQ(without_prefix("/api", "/api"), "/");
  EXPECT_EQ(without_prefix("/api/", "/api"), "/");
  EXPECT_EQ(without_prefix("/apix", "/api"), "/apix");
  EXPECT_EQ(without_prefix("/other", "/api"), "/other");
  EXPECT_EQ(without_prefix("/a", ""), "/a");
  EXPECT_EQ(without_prefix("*", "/api"), "*");
}

}  // namespace
}  // namespace sallyport::gateway
