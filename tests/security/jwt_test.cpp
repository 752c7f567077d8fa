// Tokens from outside (SECURITY J1-J13, H4, H5): the status, the error and the challenge of CONTRACT section
// 3, and that nothing but a good token lets a request through to the guarded origin.
#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include <functional>

#include "tests/security/world.hpp"

namespace sallyport::testing {
namespace {

using namespace std::string_literals;

constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"at+jwt"})";

std::string hmac(std::string_view header, std::string_view claims) {
  return hs256(header, claims, kHmacSecret);
}
std::string hmac_with(std::string_view extra) { return hmac(kHeader, payload(kHmacIssuer, 3600, extra)); }
std::string part(std::string_view text) { return base64url(text); }
// Claims word for word, still signed well.
std::string claims(const std::string& text) { return hmac(kHeader, text); }
std::string later(long long seconds = 3600) { return std::to_string(unix_now() + seconds); }

std::string kid_header(std::string_view alg, std::string_view kid) {
  return R"({"alg":")" + std::string(alg) + R"(","typ":"at+jwt","kid":)" + std::string(kid) + "}";
}
std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string with_signature(const std::string& token, std::string_view signature) {
  return token.substr(0, token.rfind('.') + 1) + base64url(signature);
}
std::string es_token(World& w) { return es256(R"({"alg":"ES256"})", payload(kPemIssuer, 3600), w.pem_key); }

std::string der_signature(World& w) {
  const std::string token = es_token(w);
  const std::string raw = from_base64url(token.substr(token.rfind('.') + 1));
  const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
  ECDSA_SIG* pair = ECDSA_SIG_new();
  ECDSA_SIG_set0(pair, BN_bin2bn(bytes, 32, nullptr), BN_bin2bn(bytes + 32, 32, nullptr));
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(pair, &out);
  const std::string der(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  ECDSA_SIG_free(pair);
  return with_signature(token, der);
}

// The last character of the signature with other unused low bits: the same bytes for a lenient decoder.
std::string with_stray_bits(std::string token) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  token.back() = alphabet[alphabet.find(token.back()) ^ 1];
  return token;
}

struct Row {
  const char* name;
  const char* id;
  std::function<std::string(World&)> token;
  std::string error = "token_invalid";  // empty: the request passes
};

std::vector<Row> rows() {
  const auto same = [](std::string text) { return [text](World&) { return text; }; };
  std::vector<Row> rows = {
      {"good_hmac", "J1", [](World& w) { return w.good_token(); }, ""},
      {"good_pem", "J1", [](World& w) { return es_token(w); }, ""},
      {"good_jwks_first", "J2",
       [](World& w) {
         return es256(kid_header("ES256", quoted(w.first_key.thumbprint())), payload(kManyIssuer, 3600),
                      w.first_key);
       },
       ""},
      {"good_jwks_second", "J2",
       [](World& w) {
         return es256(kid_header("ES256", quoted(w.second_key.thumbprint())), payload(kManyIssuer, 3600),
                      w.second_key);
       },
       ""},
      {"good_audience_list", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":["other","api"],"sub":"ada","exp":)" + later() +
                       "}");
       },
       ""},
      {"good_typ_jwt", "J8",
       [](World&) { return hmac(R"({"alg":"HS256","typ":"JWT"})", payload(kHmacIssuer, 3600)); }, ""},
      {"good_typ_absent", "J8", [](World&) { return hmac(R"({"alg":"HS256"})", payload(kHmacIssuer, 3600)); },
       ""},
      {"good_typ_media_type", "J8",
       [](World&) {
         return hmac(R"({"alg":"HS256","typ":"application/AT+jwt"})", payload(kHmacIssuer, 3600));
       },
       ""},
      // J1: the algorithm is the key's.
      {"none_as_hmac", "J1",
       [](World&) { return hmac(R"({"alg":"none","typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"hs384_named", "J1",
       [](World&) { return hmac(R"({"alg":"HS384","typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"hs512_named", "J1",
       [](World&) { return hmac(R"({"alg":"HS512","typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"alg_lower_case", "J1",
       [](World&) { return hmac(R"({"alg":"hs256","typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"alg_missing", "J1", [](World&) { return hmac(R"({"typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"alg_empty", "J1",
       [](World&) { return hmac(R"({"alg":"","typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"alg_list", "J1",
       [](World&) { return hmac(R"({"alg":["HS256"],"typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"alg_null", "J1",
       [](World&) { return hmac(R"({"alg":null,"typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"alg_blank_behind", "J1",
       [](World&) { return hmac(R"({"alg":"HS256 ","typ":"at+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"public_key_as_secret", "J1",
       [](World& w) { return hs256(kHeader, payload(kPemIssuer, 3600), w.pem_key.public_pem()); }},
      {"public_key_without_newline_as_secret", "J1",
       [](World& w) {
         std::string pem = w.pem_key.public_pem();
         pem.pop_back();
         return hs256(kHeader, payload(kPemIssuer, 3600), pem);
       }},
      {"jwk_coordinate_as_secret", "J1",
       [](World& w) { return hs256(kHeader, payload(kManyIssuer, 3600), w.first_key.x()); }},
      {"empty_secret", "J1", [](World&) { return hs256(kHeader, payload(kHmacIssuer, 3600), ""); }},
      {"other_issuers_secret", "J1",
       [](World&) { return hs256(kHeader, payload(kHmacIssuer, 3600), kOwnSecret); }},
      {"other_issuers_key", "J1",
       [](World& w) { return es256(R"({"alg":"ES256"})", payload(kPemIssuer, 3600), w.first_key); }},
      {"strangers_key", "J1",
       [](World& w) { return es256(R"({"alg":"ES256"})", payload(kPemIssuer, 3600), w.stranger); }},
      {"es256_for_hmac_issuer", "J1",
       [](World& w) { return es256(R"({"alg":"ES256"})", payload(kHmacIssuer, 3600), w.stranger); }},
      // J2: the key is found by exact kid in the configuration alone.
      {"kid_missing_with_two_keys", "J2",
       [](World& w) { return es256(R"({"alg":"ES256"})", payload(kManyIssuer, 3600), w.first_key); }},
      {"kid_of_the_other_key", "J2",
       [](World& w) {
         return es256(kid_header("ES256", quoted(w.second_key.thumbprint())), payload(kManyIssuer, 3600),
                      w.first_key);
       }},
      {"kid_unknown", "J2",
       [](World& w) {
         return es256(kid_header("ES256", R"("nobody")"), payload(kManyIssuer, 3600), w.first_key);
       }},
      {"kid_prefix", "J2",
       [](World& w) {
         return es256(kid_header("ES256", quoted(w.first_key.thumbprint().substr(0, 20))),
                      payload(kManyIssuer, 3600), w.first_key);
       }},
      {"kid_path", "J2",
       [](World&) {
         return hs256(kid_header("HS256", R"("../../../../../../dev/null")"), payload(kHmacIssuer, 3600), "");
       }},
      {"kid_query", "J2",
       [](World&) {
         return hs256(kid_header("HS256", R"("x' UNION SELECT 'a")"), payload(kHmacIssuer, 3600), "a");
       }},
      {"kid_format", "J2",
       [](World&) { return hs256(kid_header("HS256", R"("%s%s%n{}{}")"), payload(kHmacIssuer, 3600), ""); }},
      {"kid_number", "J2",
       [](World& w) { return es256(kid_header("ES256", "1"), payload(kManyIssuer, 3600), w.first_key); }},
      {"kid_null", "J2",
       [](World& w) { return es256(kid_header("ES256", "null"), payload(kManyIssuer, 3600), w.first_key); }},
      {"jwk_in_header", "J2",
       [](World& w) {
         return es256(R"({"alg":"ES256","jwk":)" + w.stranger.jwk() + "}", payload(kPemIssuer, 3600),
                      w.stranger);
       }},
      {"jku_in_header", "J2",
       [](World& w) {
         return es256(R"({"alg":"ES256","kid":"k","jku":")" + w.open.url() + R"(/jwks"})",
                      payload(kManyIssuer, 3600), w.stranger);
       }},
      {"x5u_in_header", "J2",
       [](World& w) {
         return es256(R"({"alg":"ES256","x5u":")" + w.open.url() + R"(/cert"})", payload(kPemIssuer, 3600),
                      w.stranger);
       }},
      {"x5c_in_header", "J2",
       [](World& w) {
         return es256(R"({"alg":"ES256","x5c":["MIIB"]})", payload(kPemIssuer, 3600), w.stranger);
       }},
      // J3: signatures.
      {"signature_broken", "J3", [](World& w) { return with_broken_signature(w.good_token()); }},
      {"signature_empty", "J3", [](World& w) { return with_signature(w.good_token(), ""); }},
      {"signature_short", "J3",
       [](World& w) {
         std::string t = w.good_token();
         return with_signature(t, from_base64url(t.substr(t.rfind('.') + 1)).substr(0, 31));
       }},
      {"signature_long", "J3",
       [](World& w) {
         std::string t = w.good_token();
         return with_signature(t, from_base64url(t.substr(t.rfind('.') + 1)) + "x");
       }},
      {"signature_zero", "J3", [](World& w) { return with_signature(es_token(w), std::string(64, '\0')); }},
      {"signature_der", "J3", [](World& w) { return der_signature(w); }},
      {"signature_of_another_token", "J3",
       [](World& w) {
         std::string a = w.good_token(), b = hmac_with(R"(,"roles":["admin"])");
         return b.substr(0, b.rfind('.')) + a.substr(a.rfind('.'));
       }},
      {"payload_changed", "J3",
       [](World& w) {
         std::string t = w.good_token();
         std::size_t dot = t.find('.');
         return t.substr(0, dot + 1) + part(payload(kHmacIssuer, 9999)) + t.substr(t.rfind('.'));
       }},
      // J4: one spelling.
      {"two_parts", "J4",
       [](World& w) {
         std::string t = w.good_token();
         return t.substr(0, t.rfind('.'));
       }},
      {"four_parts", "J4", [](World& w) { return w.good_token() + ".x"; }},
      {"final_dot", "J4", [](World& w) { return w.good_token() + "."; }},
      {"five_parts_jwe", "J7", same("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d")},
      {"empty_parts", "J4", same("..")},
      {"one_word", "J4", same("opaque")},
      {"padding", "J4", [](World& w) { return w.good_token() + "="; }},
      {"stray_low_bits", "J4", [](World& w) { return with_stray_bits(w.good_token()); }},
      {"plus_and_slash", "J4",
       [](World& w) {
         std::string t = w.good_token();
         return t.substr(0, t.rfind('.') + 1) + "++//" + t.substr(t.rfind('.') + 5);
       }},
      // J5: strict JSON.
      {"claims_duplicate_exp", "J5",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"a","exp":1,"exp":)" + later() + "}");
       }},
      {"claims_duplicate_escaped", "J5",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"a","\u0065xp":1,"exp":)" + later() +
                       "}");
       }},
      {"claims_duplicate_other", "J5",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"a","x":1,"x":2,"exp":)" + later() +
                       "}");
       }},
      {"claims_trailing_bytes", "J5", [](World&) { return claims(payload(kHmacIssuer, 3600) + "x"); }},
      {"claims_trailing_nul", "J5", [](World&) { return claims(payload(kHmacIssuer, 3600) + "\0"s); }},
      {"claims_byte_order_mark", "J5",
       [](World&) { return claims("\xef\xbb\xbf" + payload(kHmacIssuer, 3600)); }},
      {"claims_array", "J5", [](World&) { return claims("[" + payload(kHmacIssuer, 3600) + "]"); }},
      {"claims_string", "J5", [](World&) { return claims("\"x\""); }},
      {"claims_empty", "J5", [](World&) { return claims(""); }},
      {"claims_comment", "J5", [](World&) { return claims("/**/" + payload(kHmacIssuer, 3600)); }},
      {"claims_trailing_comma", "J5",
       [](World&) { return claims(R"({"iss":"https://hmac.test","aud":"api","exp":)" + later() + ",}"); }},
      {"claims_nan", "J5", [](World&) { return hmac_with(R"(,"x":NaN)"); }},
      {"claims_bad_utf8", "J5", [](World&) { return hmac_with(",\"x\":\"\xff\""); }},
      {"claims_overlong_utf8", "J5", [](World&) { return hmac_with(",\"x\":\"\xc0\xaf\""); }},
      {"claims_lone_surrogate", "J5", [](World&) { return hmac_with(R"(,"x":"\ud800")"); }},
      {"claims_too_deep", "J5",
       [](World&) { return hmac_with(R"(,"x":)" + std::string(200, '[') + std::string(200, ']')); }},
      {"header_duplicate_alg", "J5",
       [](World&) {
         return hmac(R"({"alg":"none","alg":"HS256","typ":"at+jwt"})", payload(kHmacIssuer, 3600));
       }},
      {"header_no_json", "J5", [](World&) { return hmac("HS256", payload(kHmacIssuer, 3600)); }},
      {"header_array", "J5", [](World&) { return hmac("[]", payload(kHmacIssuer, 3600)); }},
      // J6: claims.
      {"exp_missing", "J6",
       [](World&) { return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada"})"); }},
      {"exp_null", "J6",
       [](World&) { return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada","exp":null})"); }},
      {"exp_string", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada","exp":")" + later() + "\"}");
       }},
      {"exp_list", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada","exp":[)" + later() + "]}");
       }},
      {"exp_beyond_int64", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada","exp":99999999999999999999})");
       }},
      {"exp_exponent", "J6",
       [](World&) { return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada","exp":1e400})"); }},
      {"nbf_future", "J6", [](World&) { return hmac_with(",\"nbf\":" + later(600)); }},
      {"nbf_string", "J6", [](World&) { return hmac_with(R"(,"nbf":"0")"); }},
      {"iat_future", "J6", [](World&) { return hmac_with(",\"iat\":" + later(600)); }},
      {"iss_missing", "J6",
       [](World&) { return claims(R"({"aud":"api","sub":"ada","exp":)" + later() + "}"); }},
      {"iss_unknown", "J6", [](World&) { return hmac(kHeader, payload("https://evil.test", 3600)); }},
      {"iss_final_slash", "J6", [](World&) { return hmac(kHeader, payload("https://hmac.test/", 3600)); }},
      {"iss_prefix", "J6", [](World&) { return hmac(kHeader, payload("https://hmac.test.evil", 3600)); }},
      {"iss_capitals", "J6", [](World&) { return hmac(kHeader, payload("https://HMAC.test", 3600)); }},
      {"iss_list", "J6",
       [](World&) {
         return claims(R"({"iss":["https://hmac.test"],"aud":"api","sub":"ada","exp":)" + later() + "}");
       }},
      {"iss_of_another_key", "J6", [](World&) { return hmac(kHeader, payload(kPemIssuer, 3600)); }},
      {"aud_missing", "J6",
       [](World&) { return claims(R"({"iss":"https://hmac.test","sub":"ada","exp":)" + later() + "}"); }},
      {"aud_other", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"other","sub":"ada","exp":)" + later() + "}");
       }},
      {"aud_prefix", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"api2","sub":"ada","exp":)" + later() + "}");
       }},
      {"aud_capitals", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"API","sub":"ada","exp":)" + later() + "}");
       }},
      {"aud_in_one_string", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":"other api","sub":"ada","exp":)" + later() + "}");
       }},
      {"aud_empty_list", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":[],"sub":"ada","exp":)" + later() + "}");
       }},
      {"aud_object", "J6",
       [](World&) {
         return claims(R"({"iss":"https://hmac.test","aud":{"api":1},"sub":"ada","exp":)" + later() + "}");
       }},
      // J7, J8: other kinds of tokens.
      {"crit", "J7",
       [](World&) {
         return hmac(R"({"alg":"HS256","typ":"at+jwt","crit":["x"],"x":1})", payload(kHmacIssuer, 3600));
       }},
      {"crit_empty", "J7",
       [](World&) {
         return hmac(R"({"alg":"HS256","typ":"at+jwt","crit":[]})", payload(kHmacIssuer, 3600));
       }},
      {"b64_false", "J7",
       [](World&) {
         return hmac(R"({"alg":"HS256","typ":"at+jwt","b64":false,"crit":["b64"]})",
                     payload(kHmacIssuer, 3600));
       }},
      {"zip", "J7",
       [](World&) {
         return hmac(R"({"alg":"HS256","typ":"at+jwt","zip":"DEF"})", payload(kHmacIssuer, 3600));
       }},
      {"typ_refresh", "J8",
       [](World&) { return hmac(R"({"alg":"HS256","typ":"rt+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"typ_id_token", "J8",
       [](World&) { return hmac(R"({"alg":"HS256","typ":"id+jwt"})", payload(kHmacIssuer, 3600)); }},
      {"typ_number", "J8",
       [](World&) { return hmac(R"({"alg":"HS256","typ":1})", payload(kHmacIssuer, 3600)); }},
      {"own_typ_jwt", "J8",
       [](World&) { return hs256(R"({"alg":"HS256","typ":"JWT"})", payload(kOwnIssuer, 3600), kOwnSecret); }},
      {"own_typ_absent", "J8",
       [](World&) { return hs256(R"({"alg":"HS256"})", payload(kOwnIssuer, 3600), kOwnSecret); }},
      // Expired, and everything else good: only then it is said (H4).
      {"expired", "H4", [](World&) { return hmac(kHeader, payload(kHmacIssuer, -1)); }, "token_expired"},
      {"expired_long_ago", "H4",
       [](World&) { return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada","exp":0})"); },
       "token_expired"},
      {"expired_before_1970", "H4",
       [](World&) { return claims(R"({"iss":"https://hmac.test","aud":"api","sub":"ada","exp":-100})"); },
       "token_expired"},
      {"expired_within_skew", "H4",
       [](World& w) { return es256(R"({"alg":"ES256"})", payload(kPemIssuer, -30), w.pem_key); }, ""},
      {"expired_beyond_skew", "H4",
       [](World& w) { return es256(R"({"alg":"ES256"})", payload(kPemIssuer, -90), w.pem_key); },
       "token_expired"},
      {"expired_and_broken", "H4",
       [](World&) { return with_broken_signature(hmac(kHeader, payload(kHmacIssuer, -100))); }},
      {"expired_and_wrong_audience", "H4",
       [](World&) { return claims(R"({"iss":"https://hmac.test","aud":"other","sub":"ada","exp":1})"); }},
      {"expired_and_wrong_issuer", "H4",
       [](World&) { return claims(R"({"iss":"https://evil.test","aud":"api","sub":"ada","exp":1})"); }},
      {"expired_and_wrong_type", "H4",
       [](World&) { return hmac(R"({"alg":"HS256","typ":"rt+jwt"})", payload(kHmacIssuer, -100)); }},
      {"expired_and_not_yet_valid", "H4",
       [](World&) { return hmac(kHeader, payload(kHmacIssuer, -100, ",\"nbf\":" + later(600))); }},
      {"expired_and_none", "H4",
       [](World&) { return part(R"({"alg":"none"})") + "." + part(payload(kHmacIssuer, -100)) + "."; }},
      // J13: long ones cost nothing.
      {"nine_kib", "J13", [](World&) { return hmac_with(R"(,"x":")" + std::string(9'000, 'a') + "\""); }},
  };
  for (const char* none : {"none", "None", "NONE", "nOnE", "none ", "nonE"})
    for (bool signature : {false, true}) {
      static std::vector<std::unique_ptr<std::string>> names;  // rows keep plain pointers
      names.push_back(std::make_unique<std::string>("alg_none_" + std::to_string(names.size())));
      rows.push_back({names.back()->c_str(), "J1", [none, signature](World&) {
                        return part(R"({"alg":")" + std::string(none) + R"(","typ":"at+jwt"})") + "." +
                               part(payload(kHmacIssuer, 3600)) + "." + (signature ? part("x") : "");
                      }});
    }
  return rows;
}

void expect_refusal(const Response& response, const std::string& error) {
  const std::string challenge = response.header("WWW-Authenticate");
  EXPECT_EQ(response.text("error"), error) << response.raw;
  EXPECT_EQ(response.status, error == "token_malformed" ? 400 : error == "forbidden" ? 403 : 401);
  EXPECT_TRUE(challenge.starts_with("Bearer realm=")) << challenge;
  EXPECT_EQ(response.headers.count("WWW-Authenticate"), 1u);
  EXPECT_EQ(response.header("Sallyport-Response"), "1");
  // H4: exactly once, and of a token that is otherwise good alone.
  const std::size_t times = error == "token_expired" ? 1 : 0;
  EXPECT_EQ(response.headers.count("Token-Expired"), times);
  EXPECT_EQ(response.headers.count("Is-Token-Expired"), times);
  if (times == 1) {
    EXPECT_EQ(response.header("Token-Expired"), "true");
    EXPECT_NE(challenge.find(R"(error_description="The access token expired")"), std::string::npos)
        << challenge;
  }
  if (error == "token_missing") {
    EXPECT_EQ(challenge.find("error"), std::string::npos) << challenge;
  }
  if (error == "token_malformed") {
    EXPECT_NE(challenge.find(R"(error="invalid_request")"), std::string::npos);
  }
  if (error == "token_invalid" || error == "token_expired") {
    EXPECT_NE(challenge.find(R"(error="invalid_token")"), std::string::npos) << challenge;
  }
}

class Token : public WorldTable<Row> {};

TEST_P(Token, IsJudgedAsTheContractSays) {
  const std::string token = GetParam().token(world());
  const std::size_t guarded = world().guarded.requests().size(), open = world().open.requests().size();
  const Response response = world().client().get("/private/x", bearer(token));
  EXPECT_EQ(world().open.requests().size(), open) << "nothing is fetched for a token (J2)";
  if (GetParam().error.empty()) {
    EXPECT_EQ(response.status, 200) << GetParam().id << " " << response.raw;
    EXPECT_EQ(world().guarded.requests().size(), guarded + 1);
    EXPECT_EQ(world().guarded.last().headers.get("X-Auth-Subject"), "ada");
    return;
  }
  expect_refusal(response, GetParam().error);
  EXPECT_EQ(world().guarded.requests().size(), guarded) << GetParam().id;
  EXPECT_EQ(response.raw.find(token.substr(0, 60)), std::string::npos) << "the token is echoed (J10)";
  // J9: optional lets no bad token through, and the cache doesn't remember it as good.
  EXPECT_EQ(world().client().get("/optional/x", bearer(token)).text("error"), GetParam().error);
  EXPECT_EQ(world().client().get("/private/x", bearer(token)).text("error"), GetParam().error);
  // J10: one text for all forgeries.
  if (GetParam().error == "token_invalid") {
    EXPECT_EQ(response.text("error_description"), "The access token is not valid");
  }
}

INSTANTIATE_TEST_SUITE_P(Jwt, Token, ::testing::ValuesIn(rows()), RowName());

// --- The Authorization field itself (J12, H5). TOKEN stands for a good one. ---

struct Field {
  const char* name;
  std::string lines;
  std::string error;  // empty: passes
};

std::vector<Field> fields() {
  return {
      {"bearer", "Authorization: Bearer TOKEN\r\n", ""},
      {"scheme_lower", "Authorization: bearer TOKEN\r\n", ""},
      {"scheme_upper", "Authorization: BEARER TOKEN\r\n", ""},
      {"scheme_mixed", "authorization: bEaReR TOKEN\r\n", ""},
      {"two_blanks", "Authorization: Bearer  TOKEN\r\n", ""},
      {"blanks_around", "Authorization:    Bearer TOKEN   \r\n", ""},
      {"none", "", "token_missing"},
      {"empty", "Authorization:\r\n", "token_missing"},
      {"basic", "Authorization: Basic YTpi\r\n", "token_missing"},
      {"token_scheme", "Authorization: Token TOKEN\r\n", "token_missing"},
      {"bare_token", "Authorization: TOKEN\r\n", "token_missing"},
      {"scheme_prefix", "Authorization: Bearerx TOKEN\r\n", "token_missing"},
      {"scheme_colon", "Authorization: Bearer: TOKEN\r\n", "token_missing"},
      {"disguised_name", "Authori_zation: Bearer TOKEN\r\n", "token_missing"},
      {"proxy_field", "Proxy-Authorization: Bearer TOKEN\r\n", "token_missing"},
      {"x_field", "X-Authorization: Bearer TOKEN\r\n", "token_missing"},
      {"cookie", "Cookie: access_token=TOKEN; __Host-access=TOKEN\r\n", "token_missing"},
      {"alone", "Authorization: Bearer\r\n", "token_malformed"},
      {"tab", "Authorization: Bearer\tTOKEN\r\n", "token_malformed"},
      {"two_tokens", "Authorization: Bearer TOKEN TOKEN\r\n", "token_malformed"},
      {"comma", "Authorization: Bearer TOKEN, Bearer TOKEN\r\n", "token_malformed"},
      {"comma_behind", "Authorization: Bearer TOKEN,\r\n", "token_malformed"},
      {"quoted", "Authorization: Bearer \"TOKEN\"\r\n", "token_malformed"},
      {"parameter", "Authorization: Bearer token=TOKEN;a\r\n", "token_malformed"},
      {"high_bytes", "Authorization: Bearer \xc3\xa9\r\n", "token_malformed"},
      {"repeated", "Authorization: Bearer TOKEN\r\nAuthorization: Bearer TOKEN\r\n", "token_malformed"},
      {"repeated_other_case", "Authorization: Bearer TOKEN\r\nauthorization: Bearer TOKEN\r\n",
       "token_malformed"},
      {"repeated_bad_first", "Authorization: Bearer x\r\nAuthorization: Bearer TOKEN\r\n", "token_malformed"},
      {"repeated_bad_last", "Authorization: Bearer TOKEN\r\nAuthorization: Bearer x\r\n", "token_malformed"},
      {"repeated_basic", "Authorization: Basic YTpi\r\nAuthorization: Bearer TOKEN\r\n", "token_malformed"},
      {"repeated_empty", "Authorization:\r\nAuthorization: Bearer TOKEN\r\n", "token_malformed"},
      {"three_times",
       "Authorization: Bearer TOKEN\r\nAuthorization: Bearer TOKEN\r\nAuthorization: Bearer TOKEN\r\n",
       "token_malformed"},
  };
}

class AuthorizationField : public WorldTable<Field> {};

TEST_P(AuthorizationField, HoldsOneTokenOrNone) {
  std::string lines = GetParam().lines;
  for (std::size_t at; (at = lines.find("TOKEN")) != lines.npos;) lines.replace(at, 5, world().good_token());
  const std::size_t guarded = world().guarded.requests().size();
  const Talk talk = world().talk("GET /private/x HTTP/1.1\r\nHost: t\r\n" + lines + "\r\n", 1, false);
  ASSERT_EQ(talk.responses.size(), 1u) << talk.leftover;
  if (GetParam().error.empty()) {
    EXPECT_EQ(talk.status(), 200);
    return;
  }
  expect_refusal(talk.responses[0], GetParam().error);
  EXPECT_EQ(world().guarded.requests().size(), guarded);
}

INSTANTIATE_TEST_SUITE_P(Jwt, AuthorizationField, ::testing::ValuesIn(fields()), RowName());

class TokenPlaces : public WorldTest {};

// J11: never from the query or a form.
TEST_F(TokenPlaces, AreTheHeaderAlone) {
  const std::string token = world().good_token();
  EXPECT_EQ(world().client().get("/private/x?access_token=" + token).text("error"), "token_missing");
  EXPECT_EQ(world().client().get("/private/x?token=" + token + "&ticket=" + token).status, 401);
  const Headers form{{"Content-Type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(world().client().call("POST", "/private/x", form, "access_token=" + token).text("error"),
            "token_missing");
}

TEST_F(TokenPlaces, PublicRoutesNeitherReadNorJudgeTokens) {
  const Headers bad = bearer("junk");
  EXPECT_EQ(world().client().get("/public/x", bad).status, 200);
  EXPECT_FALSE(world().open.last().headers.has("X-Auth-Subject"));
  EXPECT_FALSE(world().open.last().headers.has("Authorization"));
  EXPECT_EQ(world().client().get("/public/x", world().bearer_of_good_token()).status, 200);
  EXPECT_FALSE(world().open.last().headers.has("X-Auth-Subject"));
}

TEST_F(TokenPlaces, OptionalRoutesKnowWhoHasAGoodToken) {
  EXPECT_EQ(world().client().get("/optional/x").status, 200);
  EXPECT_FALSE(world().guarded.last().headers.has("X-Auth-Subject"));
  EXPECT_EQ(world().client().get("/optional/x", world().bearer_of_good_token()).status, 200);
  EXPECT_EQ(world().guarded.last().headers.get("X-Auth-Subject"), "ada");
}

TEST_F(TokenPlaces, RolesDecideAndTheAnswerSaysInsufficientScope) {
  const Response refused =
      world().client().get("/admin/x", bearer(world().good_token(R"(,"roles":["user"])")));
  expect_refusal(refused, "forbidden");
  EXPECT_NE(refused.header("WWW-Authenticate").find(R"(error="insufficient_scope")"), std::string::npos);
  for (const char* roles :
       {R"("administrator")", R"(["Admin"])", R"(["admin "])", R"([["admin"]])", R"({"admin":true})", "null"})
    EXPECT_EQ(
        world().client().get("/admin/x", bearer(world().good_token(R"(,"roles":)"s + roles))).status / 100, 4)
        << roles;
  EXPECT_EQ(
      world().client().get("/admin/x", bearer(world().good_token(R"(,"roles":["user","admin"])"))).status,
      200);
}

// J13: far too long for the head: refused before anything is looked at, and the connection ends.
TEST_F(TokenPlaces, AHugeTokenIsRefusedByItsSize) {
  const Talk talk = world().talk("GET /private/x HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " +
                                 std::string(65'536, 'a') + "\r\n\r\n");
  EXPECT_EQ(talk.status(), 431) << talk.leftover;
  EXPECT_TRUE(talk.closed);
}

// CONTRACT section 8: the whole run left no token in a log line.
TEST_F(TokenPlaces, NoTokenIsEverLogged) {
  const std::string good = world().good_token(), bad = with_broken_signature(good);
  world().client().get("/private/x", bearer(good));
  world().client().get("/private/x?access_token=" + good, bearer(bad));
  const std::string id = world().client().get("/private/last", bearer(bad)).header("X-Request-Id");
  ASSERT_TRUE(world().gateway->wait_for_log(id));
  for (const std::string& log : {world().gateway->log(), world().gateway->access_log()}) {
    EXPECT_EQ(log.find(good.substr(good.rfind('.'))), std::string::npos);
    EXPECT_EQ(log.find(bad.substr(bad.rfind('.'))), std::string::npos);
    EXPECT_EQ(log.find(good.substr(0, 40)), std::string::npos);
    EXPECT_EQ(log.find("Bearer"), std::string::npos);
  }
}

}  // namespace
}  // namespace sallyport::testing
