// GET account: the login and account page, its script and its style. They know no secret and no user: all
// that they show comes from the endpoints, through the browser's cookies.
#include <algorithm>

#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/documents.hpp"
#include "gateway/web/web.hpp"

namespace sallyport::gateway::endpoints {
namespace {

void append_attribute(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '<')
      out += "&lt;";
    else
      out += c;
  }
}

std::string attribute(std::string_view text) {
  std::string out;
  append_attribute(out, text);
  return out;
}

std::string_view input_type(const config::ProfileField& field) {
  switch (field.kind) {
    case config::ProfileKind::email:
      return "email";
    case config::ProfileKind::phone:
      return "tel";
    case config::ProfileKind::date:
      return "date";
    case config::ProfileKind::number:  // a browser's number has no place for what people type instead
    case config::ProfileKind::text:
      break;
  }
  return "text";
}

// "first_name" as people write it.
std::string label_of(const std::string& name) {
  std::string label = name == "email" ? "e-mail" : name;
  std::replace(label.begin(), label.end(), '_', ' ');
  if (label[0] >= 'a' && label[0] <= 'z') label[0] = static_cast<char>(label[0] - 'a' + 'A');
  return label;
}

void append_input(std::string& html, const config::ProfileField& field) {
  const std::string name = attribute(field.name), id = "new-" + name;
  html += "<label for=\"" + id + "\">" + attribute(label_of(field.name)) +
          (field.required ? "" : " <span class=\"quiet\">(optional)</span>") + "</label>\n";
  const std::string rest = "id=\"" + id + "\" name=\"" + name + "\"" + (field.required ? " required" : "");
  if (field.values.empty()) {
    html += "<input " + rest + " type=\"" + std::string(input_type(field)) + "\">\n";
    return;
  }
  html += "<select " + rest + "><option></option>";
  for (const std::string& value : field.values) html += "<option>" + attribute(value) + "</option>";
  html += "</select>\n";
}

// What registration asks for beside name and password.
std::string fields_html(const config::Users& users) {
  config::ProfileField email;
  email.name = "email";
  email.kind = config::ProfileKind::email;
  email.required = is_email_required(users);
  std::string html;
  append_input(html, email);
  for (const config::ProfileField& field : users.profile)
    if (is_profile_field(field.name)) append_input(html, field);
  return html;
}

// The page with the paths of this configuration in the place of @NAME@.
std::string account_html(const config::Config& config) {
  const config::Endpoints& own = config.auth.endpoints;
  const std::string page = login_page_of(config.auth);
  const std::string script = page + ".js", style = page + ".css";
  const std::string no_registration;
  const std::pair<std::string_view, const std::string&> places[] = {
      {"@STYLE@", style},
      {"@SCRIPT@", script},
      {"@LOGIN@", own.login},
      {"@REGISTER@", config.users.registration ? own.register_ : no_registration},
      {"@LOGOUT@", own.logout},
      {"@SESSIONS@", own.sessions},
      {"@PASSWORD@", own.password},
      {"@ME@", own.me}};
  std::string html(web::file("account.html"));
  for (const auto& [name, value] : places) {
    std::string escaped;
    append_attribute(escaped, value);
    html.replace(html.find(name), name.size(), escaped);
  }
  constexpr std::string_view kFields = "@FIELDS@";
  html.replace(html.find(kFields), kFields.size(), fields_html(config.users));
  return html;
}

// Nothing but our own files, and nobody may frame them.
constexpr std::string_view kPolicy =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n";

Task<> answer_page(Call call, std::string_view content_type, std::string_view text) {
  Answer answer;
  answer.content_type = content_type;
  answer.body = text;
  answer.lines = kPolicy;
  answer.cache_control = "no-cache";  // it changes with the configuration
  co_await answer_with(call, answer);
}

}  // namespace

Task<> account_page(Call call) {
  const std::string html = account_html(call.config());
  co_await answer_page(call, "text/html; charset=utf-8", html);
}

Task<> account_script(Call call) {
  co_await answer_page(call, "text/javascript; charset=utf-8", web::file("account.js"));
}

Task<> account_style(Call call) {
  co_await answer_page(call, "text/css; charset=utf-8", web::file("account.css"));
}

}  // namespace sallyport::gateway::endpoints
