#include "gateway/endpoints/form.hpp"

#include "auth/users/text.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway::endpoints {
namespace {

constexpr std::size_t kMaxParameters = 32;

}  // namespace

std::optional<std::string> form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  if (!users::count_characters(out)) return std::nullopt;
  return out;
}

boost::system::result<Form, std::string_view> Form::parse(std::string_view body) {
  Form form;
  while (!body.empty()) {
    const std::size_t end = body.find('&');
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(end == body.npos ? body.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = form_decoded(pair.substr(0, equals));
    auto value = form_decoded(equals == pair.npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !value) return std::string_view("The body holds a broken escape or no UTF-8");
    for (const auto& [known, ignored] : form.parameters_)
      if (known.reveal() == *name) return std::string_view("A parameter stands there twice");
    if (form.parameters_.size() == kMaxParameters) return std::string_view("There are too many parameters");
    form.parameters_.emplace_back(config::Secret(std::move(*name)), config::Secret(std::move(*value)));
  }
  return form;
}

std::optional<std::string_view> Form::find(std::string_view name) const {
  for (const auto& [known, value] : parameters_)
    if (known.reveal() == name && !value.empty()) return value.reveal();
  return std::nullopt;
}

bool says_form(const RequestHead& head) {
  unsigned types = 0;
  bool form = false;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::content_type) {
      ++types;
      form = iequals(trim(field.value.substr(0, field.value.find(';'))), "application/x-www-form-urlencoded");
    } else if (iequals(field.name, "Content-Encoding") && !iequals(trim(field.value), "identity")) {
      return false;
    }
  }
  return types == 1 && form;
}

}  // namespace sallyport::gateway::endpoints
