// GET openapi and docs: the endpoints described, and a page to try them from. The page is one answer without
// anything to load, so its policy can name the very script and style that may run, by their digests.
#include <openssl/evp.h>
#include <boost/json/serialize.hpp>

#include <array>

#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/openapi.hpp"
#include "gateway/web/web.hpp"

namespace sallyport::gateway::endpoints {
namespace {

constexpr std::string_view kNoCache = "no-cache";  // it changes with the configuration

std::string document_of(Call call) {
  return boost::json::serialize(openapi_document(call.config(), call.dialect()));
}

std::string digest_of(std::string_view text) {
  std::array<unsigned char, 32> bytes{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, 45> base64{};
  const int length = EVP_EncodeBlock(base64.data(), bytes.data(), static_cast<int>(size));
  return "'sha256-" +
         std::string(reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(length)) + "'";
}

// Inside a script element nothing may look like markup.
std::string for_script(std::string text) {
  for (std::size_t at = 0; (at = text.find('<', at)) != text.npos; at += 6) text.replace(at, 1, "\\u003c");
  return text;
}

void fill(std::string& page, std::string_view name, std::string_view text) {
  const std::string mark = "{{" + std::string(name) + "}}";
  if (const auto at = page.find(mark); at != page.npos) page.replace(at, mark.size(), text);
}

}  // namespace

Task<> openapi(Call call) {
  const std::string body = document_of(call);
  co_await answer_json(call, 200, body, kNoCache);
}

Task<> docs(Call call) {
  const std::string_view style = web::file("docs.css"), script = web::file("docs.js");
  std::string page(web::file("docs.html"));
  fill(page, "style", style);
  fill(page, "document", for_script(document_of(call)));
  fill(page, "script", script);
  Answer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = page;
  answer.cache_control = kNoCache;
  answer.lines = "Content-Security-Policy: default-src 'none'; script-src " + digest_of(script) +
                 "; style-src " + digest_of(style) +
                 "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
                 "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
  co_await answer_with(call, answer);
}

}  // namespace sallyport::gateway::endpoints
