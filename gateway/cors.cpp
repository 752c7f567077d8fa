// See cors.hpp.
#include "gateway/cors.hpp"

#include <algorithm>

#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

// The value of the only field of that id; nothing where there are none or two.
std::optional<std::string_view> only(const RequestHead& head, FieldId id) {
  std::optional<std::string_view> value;
  for (const Field& field : head.fields) {
    if (field.id != id) continue;
    if (value) return std::nullopt;
    value = field.value;
  }
  return value;
}

std::string join(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

}  // namespace

std::optional<std::string_view> preflight_method(const RequestHead& head) {
  if (head.method != "OPTIONS") return std::nullopt;
  const auto origin = only(head, FieldId::origin);
  const auto method = only(head, FieldId::access_control_request_method);
  if (!origin || origin->empty() || !method || !is_token(*method)) return std::nullopt;
  return method;
}

CorsPolicy::CorsPolicy(const config::Cors& cors, const std::vector<std::string>& methods,
                       const std::vector<std::string>& expired_names)
    : origins_(cors.origins), credentials_(cors.credentials) {
  any_origin_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
  // "*" and credentials exclude each other; echoing each origin instead would let every site in.
  if (any_origin_) credentials_ = false;
  const std::string credentials = credentials_ ? "Access-Control-Allow-Credentials: true\r\n" : "";
  std::vector<std::string> exposed = expired_names;
  for (const char* name : {"WWW-Authenticate", "X-Request-Id", "Retry-After", "Sallyport-Response"})
    exposed.emplace_back(name);
  exposed.insert(exposed.end(), cors.expose.begin(), cors.expose.end());
  answer_ = credentials + "Access-Control-Expose-Headers: " + join(exposed) + "\r\n";

  std::vector<std::string> allowed = cors.methods.empty() ? methods : cors.methods;
  if (allowed.empty()) allowed = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  preflight_ = credentials + "Access-Control-Allow-Methods: " + join(allowed) + "\r\n";
  if (!cors.headers.empty()) preflight_ += "Access-Control-Allow-Headers: " + join(cors.headers) + "\r\n";
  preflight_ += "Access-Control-Max-Age: " + std::to_string(cors.max_age.count()) + "\r\n";
}

bool CorsPolicy::allows(std::string_view origin) const {
  return !origin.empty() &&
         (any_origin_ || std::find(origins_.begin(), origins_.end(), origin) != origins_.end());
}

void CorsPolicy::append_origin(std::string& out, std::string_view origin) const {
  out.append("Access-Control-Allow-Origin: ").append(any_origin_ ? "*" : origin).append("\r\n");
}

void CorsPolicy::append_answer(std::string& out, const RequestHead& head) const {
  if (!on()) return;
  const auto origin = only(head, FieldId::origin);
  if (origin && allows(*origin)) {
    append_origin(out, *origin);
    out += answer_;
  }
  out += "Vary: Origin\r\n";
}

void CorsPolicy::append_preflight(std::string& out, const RequestHead& head) const {
  if (!on()) return;
  const auto origin = only(head, FieldId::origin);
  if (origin && allows(*origin)) {
    append_origin(out, *origin);
    out += preflight_;
  }
  out += "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";
}

}  // namespace sallyport::gateway
