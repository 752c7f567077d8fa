// `sallyport openapi`: the description of the endpoints for tools, without a running gateway.
#include <boost/json/serialize.hpp>

#include <memory>

#include "gateway/admin/openapi.hpp"
#include "gateway/cli/command.hpp"
#include "gateway/endpoints/openapi.hpp"
#include "gateway/endpoints/postman.hpp"

namespace sallyport::cli {

void add_openapi(CLI::App& app, Invocation& invocation) {
  const auto admin = std::make_shared<bool>(false), postman = std::make_shared<bool>(false);
  CLI::App* command =
      add_command(app, invocation, "openapi", "Print the OpenAPI document of the configured endpoints",
                  "sallyport openapi --config gateway.yaml --postman > sallyport.postman_collection.json",
                  [&invocation, admin, postman] {
                    if (*admin) {  // the same under every configuration
                      say(boost::json::serialize(gateway::admin::openapi_document()));
                      return kFine;
                    }
                    int code = kFine;
                    const auto config = load(invocation, code);
                    if (!config) return code;
                    const gateway::endpoints::Dialect dialect(config->auth);
                    boost::json::object document = gateway::endpoints::openapi_document(*config, dialect);
                    if (*postman) document = gateway::endpoints::postman_collection(document, dialect);
                    say(boost::json::serialize(document));
                    return code;
                  });
  CLI::Option* of_admin = command->add_flag("--admin", *admin, "of the admin listener; needs no --config");
  command->add_flag("--postman", *postman, "as a Postman collection (2.1)")->excludes(of_admin);
}

}  // namespace sallyport::cli
