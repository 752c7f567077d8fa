// What config/deploy gives to operators: its configurations load, and its ports, paths and commands are those
// of the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "config/load.hpp"
#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using test::shown;
using testing::HasSubstr;

const std::string kFolder = std::string(SALLYPORT_SOURCE_DIR) + "/config/deploy/";

TEST(Deploy, ThePackagesConfigurationLoadsAsItIs) {
  const auto loaded = load_file(kFolder + "gateway.yaml", {});
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(shown(loaded.warnings), "");
  EXPECT_EQ(loaded.config.store.kind, StoreKind::sqlite);
  ASSERT_EQ(loaded.config.routes.size(), 1u);
  EXPECT_EQ(loaded.config.routes[0].auth, AuthMode::required);
}

TEST(Deploy, TheUnitStartsAndChecksThePackagesConfiguration) {
  const auto unit = test::text_of(kFolder + "sallyport.service");
  EXPECT_THAT(unit, HasSubstr("ExecStart=/usr/bin/sallyport serve --config /etc/sallyport/gateway.yaml\n"));
  EXPECT_THAT(unit,
              HasSubstr("ExecStartPre=/usr/bin/sallyport check --config /etc/sallyport/gateway.yaml\n"));
  EXPECT_THAT(unit, HasSubstr("User=sallyport\n"));
}

class Kubernetes : public ::testing::Test {
 protected:
  const YAML::Node& document(const std::string& kind) const {
    for (const YAML::Node& one : all_)
      if (one["kind"].as<std::string>() == kind) return one;
    throw std::runtime_error("no " + kind);
  }
  YAML::Node container() const { return document("Deployment")["spec"]["template"]["spec"]["containers"][0]; }

  std::vector<YAML::Node> all_ = YAML::LoadAllFromFile(kFolder + "kubernetes.yaml");
};

TEST_F(Kubernetes, ItsConfigurationLoadsAndHasThePortsOfTheContainer) {
  const std::string secret(48, 's');
  const auto loaded = load_text(document("ConfigMap")["data"]["gateway.yaml"].as<std::string>(),
                                "/etc/sallyport/gateway.yaml",
                                {{"SALLYPORT_STORE", "redis://redis:6379/0"},
                                 {"SALLYPORT_ADMIN_TOKEN", secret},
                                 {"SALLYPORT_WRAP_KEY", secret}});
  EXPECT_EQ(shown(loaded.problems), "");
  const YAML::Node ports = container()["ports"];
  EXPECT_EQ(ports[0]["containerPort"].as<int>(), loaded.config.listeners.at(0).address.port);
  EXPECT_EQ(ports[1]["containerPort"].as<int>(), loaded.config.admin->address.port);
  EXPECT_EQ(document("Service")["spec"]["ports"][0]["targetPort"].as<std::string>(),
            ports[0]["name"].as<std::string>());
  const auto grace = std::chrono::seconds(
      document("Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as<int>());
  EXPECT_GT(grace, loaded.config.limits.drain);
}

TEST_F(Kubernetes, ItsProbesAndFlagsAreTheBinarys) {
  EXPECT_EQ(container()["livenessProbe"]["httpGet"]["path"].as<std::string>(), "/livez");
  EXPECT_EQ(container()["readinessProbe"]["httpGet"]["path"].as<std::string>(), "/readyz");
  for (const char* probe : {"livenessProbe", "readinessProbe"})
    EXPECT_EQ(container()[probe]["httpGet"]["port"].as<std::string>(), "admin");
  std::vector<std::string> args;
  for (const auto& arg : container()["args"]) args.push_back(arg.as<std::string>());
  EXPECT_THAT(args, testing::ElementsAre("serve", "--config", "/etc/sallyport/gateway.yaml"));
  EXPECT_EQ(container()["volumeMounts"][0]["mountPath"].as<std::string>(), "/etc/sallyport");
  EXPECT_TRUE(container()["securityContext"]["readOnlyRootFilesystem"].as<bool>());
}

}  // namespace
}  // namespace sallyport::config
