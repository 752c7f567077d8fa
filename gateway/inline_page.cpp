#include "gateway/inline_page.hpp"

#include <openssl/evp.h>

#include <array>

#include "gateway/web/web.hpp"

namespace sallyport::gateway {
namespace {

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

InlinePage inline_page(const std::string& name, std::string document) {
  const std::string_view style = web::file(name + ".css"), script = web::file(name + ".js");
  InlinePage page;
  page.html = web::file(name + ".html");
  fill(page.html, "style", style);
  fill(page.html, "document", for_script(std::move(document)));
  fill(page.html, "script", script);
  page.lines = "Content-Security-Policy: default-src 'none'; script-src " + digest_of(script) +
               "; style-src " + digest_of(style) +
               "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
               "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
  return page;
}

}  // namespace sallyport::gateway
