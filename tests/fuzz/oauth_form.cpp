// Bodies and Authorization fields that strangers send to the OAuth endpoints, split at the first line end.
// Whatever comes: parsing ends, a parameter is found once and decoded, and nobody is a confidential client
// without its secret.
// Covers: gateway/endpoints/form.cpp, gateway/endpoints/oauth_client.cpp
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/endpoints/oauth_client.hpp"

namespace {

using namespace sallyport;
using namespace sallyport::gateway::endpoints;

void require(bool held) {
  if (!held) std::abort();
}

const std::vector<config::Client>& clients() {
  static const std::vector<config::Client> made = [] {
    config::Client app, shop;
    app.name = "app";
    shop.name = "shop";
    shop.secret = {config::Secret("a secret that nobody guesses 0123")};
    return std::vector<config::Client>{app, shop};
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const std::string_view field = line == text.npos ? std::string_view{} : text.substr(0, line);
  const std::string_view body = line == text.npos ? text : text.substr(line + 1);
  const auto form = Form::parse(body);
  if (!form) {
    require(!form.error().empty());
    return 0;
  }
  for (const char* name : {"grant_type", "client_id", "client_secret", "token"}) {
    const auto value = form->find(name);
    require(!value || !value->empty());
  }
  std::vector<std::string_view> fields;
  if (!field.empty()) fields.push_back(field);
  const auto who = authenticate(clients(), fields, *form);
  if (!who) {
    require(who.error().status == 400 || who.error().status == 401);
    return 0;
  }
  require(who->client != nullptr && who->id == who->client->name);
  require(who->proven == (who->id == "shop"));
  return 0;
}
