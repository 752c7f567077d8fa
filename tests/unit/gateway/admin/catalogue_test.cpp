// The table of the admin listener's calls holds each of them once, finds them by method and path, and the
// document that is made of it has all of them.
#include "gateway/admin/catalogue.hpp"

#include <gtest/gtest.h>

#include <set>

#include "gateway/admin/openapi.hpp"

namespace sallyport::gateway::admin {
namespace {

std::string filled(std::string_view path) {
  std::string out(path);
  if (const auto at = out.find("{id}"); at != out.npos) out.replace(at, 4, "ada");
  return out;
}

TEST(AdminCatalogue, HoldsEveryActOnce) {
  std::set<Act> acts;
  std::set<std::string_view> names;
  for (const Entry& entry : catalogue()) {
    EXPECT_TRUE(acts.insert(entry.act).second) << entry.name;
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    const bool by_id = entry.path.find("{id}") != entry.path.npos;
    EXPECT_EQ(by_id, !entry.parameters.empty() && entry.parameters[0].in == "path") << entry.name;
    const Found found = find(entry.method, filled(entry.path));
    EXPECT_EQ(found.entry, &entry) << entry.name;
    EXPECT_EQ(found.id, by_id ? "ada" : "") << entry.name;
  }
  // The last enumerator: whoever adds one adds its row.
  EXPECT_EQ(acts.size(), static_cast<std::size_t>(Act::reload) + 1);
}

TEST(AdminCatalogue, FindsByMethodAndPath) {
  const struct {
    const char *method, *path, *name, *id, *allow;
  } rows[] = {
      {"HEAD", "/livez", "livez", "", ""},
      {"POST", "/livez", "", "", "GET, HEAD"},
      {"GET", "/admin/users", "users", "", ""},
      {"GET", "/admin/users/", "", "", ""},
      {"GET", "/admin/users/ada%20b+c", "user", "ada b+c", ""},
      {"GET", "/admin/users/a%2Fb", "user", "a/b", ""},
      {"GET", "/admin/users/%zz", "", "", ""},
      {"GET", "/admin/users/%ff", "", "", ""},
      {"GET", "/admin/users/a/b", "", "", ""},
      {"DELETE", "/admin/users//sessions", "", "", ""},
      {"DELETE", "/admin/users/sessions", "", "", "GET, HEAD"},
      {"DELETE", "/admin/users/a/sessions", "end_sessions", "a", ""},
      {"DELETE", "/admin/users/a/b/sessions", "", "", ""},
      {"GET", "/admin/users/a/enable", "", "", "POST"},
      {"PUT", "/admin/sessions/s", "", "", "GET, HEAD, DELETE"},
      {"HEAD", "/admin/reload", "", "", "POST"},
      {"GET", "/admin", "", "", ""},
      {"GET", "/admin/status/", "", "", ""},
      {"GET", "", "", "", ""},
  };
  for (const auto& row : rows) {
    const Found found = find(row.method, row.path);
    EXPECT_EQ(found.entry != nullptr ? found.entry->name : "", row.name) << row.method << " " << row.path;
    EXPECT_EQ(found.id, row.id) << row.path;
    EXPECT_EQ(found.allow, row.allow) << row.method << " " << row.path;
  }
}

TEST(AdminCatalogue, IsAllInTheDocument) {
  const boost::json::object document = openapi_document();
  std::size_t operations = 0;
  for (const auto& path : document.at("paths").as_object()) operations += path.value().as_object().size();
  EXPECT_EQ(operations, catalogue().size());
  for (const Entry& entry : catalogue()) {
    const auto& path = document.at("paths").as_object().at(entry.path).as_object();
    const auto& operation = path.at(entry.method == "GET"    ? "get"
                                    : entry.method == "POST" ? "post"
                                                             : "delete");
    EXPECT_EQ(std::string(operation.at("operationId").as_string()), entry.name);
    EXPECT_EQ(operation.at("security").as_array().empty(), !needs_token(entry.path)) << entry.name;
    EXPECT_EQ(operation.at("responses").as_object().contains("401"), needs_token(entry.path)) << entry.name;
  }
}

}  // namespace
}  // namespace sallyport::gateway::admin
