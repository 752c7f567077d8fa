#include "gateway/endpoints/fields.hpp"

#include <openssl/crypto.h>
#include <boost/json/memory_resource.hpp>
#include <boost/json/value.hpp>

#include <new>

#include "auth/jose/strict_json.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway::endpoints {
namespace {

class WipingMemory final : public boost::json::memory_resource {
  // The alignments are left aside: Boost.JSON asks for none above the default one, and frees a string with
  // another than it allocated it with.
  void* do_allocate(std::size_t bytes, std::size_t) override { return ::operator new(bytes); }
  void do_deallocate(void* at, std::size_t bytes, std::size_t) override {
    OPENSSL_cleanse(at, bytes);
    ::operator delete(at);
  }
  bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

// RFC 8259 knows no charset; clients that name one mean UTF-8, and any other would be read wrongly.
bool is_json_type(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (!iequals(trim(value.substr(0, semicolon)), "application/json")) return false;
  if (semicolon == value.npos) return true;
  const std::string_view parameter = trim(value.substr(semicolon + 1));
  constexpr std::string_view kCharset = "charset=";
  if (parameter.empty()) return true;
  if (!istarts_with(parameter, kCharset)) return false;
  const std::string_view charset = parameter.substr(kCharset.size());
  return iequals(charset, "utf-8") || iequals(charset, "\"utf-8\"");
}

}  // namespace

bool says_json(const RequestHead& head) {
  unsigned types = 0;
  bool json = false;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::content_type) {
      ++types;
      json = is_json_type(field.value);
    } else if (iequals(field.name, "Content-Encoding") && !iequals(trim(field.value), "identity")) {
      return false;
    }
  }
  return types == 1 && json;
}

boost::system::result<boost::json::object, std::string> parse_object(std::string_view text) {
  auto parsed = jose::StrictJsonParser().parse(text, boost::json::make_shared_resource<WipingMemory>());
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return std::string("not a JSON object");
  return std::move(parsed->get_object());
}

std::optional<std::string_view> Fields::look(std::string_view name, bool required) {
  bool repeated = false;
  const boost::json::value* value = dialect_.find(object_, name, repeated);
  if (repeated) {
    problems_[std::string(name)].push_back("This field must be given once.");
    return std::nullopt;
  }
  if (value == nullptr || value->is_null()) {
    if (required) problems_[std::string(name)].emplace_back(kFieldRequired);
    return std::nullopt;
  }
  if (!value->is_string()) {
    problems_[std::string(name)].push_back("This field must be a string.");
    return std::nullopt;
  }
  return value->get_string().subview();
}

std::string Fields::required(std::string_view name) {
  return std::string(look(name, true).value_or(std::string_view{}));
}

config::Secret Fields::required_secret(std::string_view name) {
  return config::Secret(std::string(look(name, true).value_or(std::string_view{})));
}

std::optional<std::string> Fields::optional(std::string_view name) {
  const auto found = look(name, false);
  if (!found) return std::nullopt;
  return std::string(*found);
}

config::Secret Fields::optional_secret(std::string_view name) {
  return config::Secret(std::string(look(name, false).value_or(std::string_view{})));
}

}  // namespace sallyport::gateway::endpoints
