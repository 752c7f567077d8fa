// See identity_headers.hpp.
#include "gateway/identity_headers.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <optional>

#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;

constexpr std::size_t kUsual = 240;  // bytes of a token's lines

bool fit_for_list(std::string_view element) {
  return fit_for_header(element) && element.find(',') == element.npos;
}

void append_if_fit(std::string& out, std::string_view name, std::string_view value) {
  if (fit_for_header(value)) append_line(out, name, value);
}

void append_element(std::string& list, std::string_view element) {
  if (!fit_for_list(element)) return;
  if (!list.empty()) list += ',';
  list += element;
}

void append_list(std::string& out, std::string_view name, const std::vector<std::string>& elements) {
  const std::size_t line = out.size();
  out.append(name).append(": ");
  const std::size_t value = out.size();
  for (const std::string& element : elements) {
    if (!fit_for_list(element)) continue;
    if (out.size() > value) out += ',';
    out += element;
  }
  if (fit_for_header(std::string_view(out).substr(value)))
    out += "\r\n";
  else
    out.resize(line);
}

// A scalar as text; nothing for null, objects and arrays.
std::optional<std::string> scalar_text(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  if (value.is_bool() || value.is_number()) return json::serialize(value);
  return std::nullopt;
}

std::string claim_text(const json::value& value, config::ClaimFormat format) {
  if (value.is_structured() && format == config::ClaimFormat::json) return json::serialize(value);
  const json::array* array = value.if_array();
  if (!array) return scalar_text(value).value_or("");
  std::string list;
  for (const json::value& element : *array)
    if (const auto text = scalar_text(element)) append_element(list, *text);
  return list;
}

}  // namespace

bool fit_for_header(std::string_view value) {
  return !value.empty() && value.size() <= kMaxIdentityValue && all_are(value, kFieldChar) &&
         value.find('\t') == value.npos && value.front() != ' ' && value.back() != ' ';
}

std::string standard_identity_headers(const jose::Claims& claims) {
  std::string lines;
  lines.reserve(kUsual);
  append_if_fit(lines, "X-Auth-Issuer", claims.issuer);
  append_if_fit(lines, "X-Auth-Subject", claims.subject);
  append_list(lines, "X-Auth-Roles", claims.roles);
  append_list(lines, "X-Auth-Scopes", claims.scopes);
  append_if_fit(lines, "X-Auth-Session", claims.session_id);
  if (lines.capacity() > kUsual) lines.shrink_to_fit();
  return lines;
}

void append_identity_headers(std::string& out, const jose::Claims& claims,
                             const std::map<std::string, std::string>& claims_to_headers,
                             config::ClaimFormat format) {
  if (claims.lines.empty())
    out += standard_identity_headers(claims);
  else
    out += claims.lines;
  for (const auto& [claim, header] : claims_to_headers)
    if (const json::value* value = claims.find(claim); value && is_token(header))
      append_if_fit(out, header, claim_text(*value, format));
}

std::string identity_headers(const jose::Claims& claims,
                             const std::map<std::string, std::string>& claims_to_headers,
                             config::ClaimFormat format) {
  std::string lines;
  append_identity_headers(lines, claims, claims_to_headers, format);
  return lines;
}

}  // namespace sallyport::gateway
