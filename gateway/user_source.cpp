#include "gateway/user_source.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <exception>
#include <utility>

#include "auth/stores/postgres/postgres_users.hpp"
#include "auth/users/user_file.hpp"
#include "gateway/http_users.hpp"
#include "gateway/remote_user.hpp"

namespace sallyport::gateway {
namespace {

using Opened = boost::system::result<std::unique_ptr<UserSource>, std::string>;
constexpr std::chrono::seconds kLook{1};  // between two looks at the file

std::string lines_of(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  return text;
}

// The list in force is the last good one. start() and stop() are the control thread's, the rest is the
// reader's.
class FileSource final : public UserSource {
 public:
  explicit FileSource(std::shared_ptr<users::UserFile> file) : file_(std::move(file)) {}

  std::unique_ptr<users::UserStore> connect(net::any_io_executor, Deadlines&) override {
    return std::make_unique<users::FileUsers>(file_);
  }

  void start() override {
    spdlog::info("{} users from {}", file_->current()->size(), file_->path());
    look_later();
  }
  void stop() override {
    reader_.stop();
    reader_.join();
  }

 private:
  void look_later() {
    timer_.expires_after(kLook);
    timer_.async_wait([this](const boost::system::error_code& ec) {
      if (ec) return;
      look();
      look_later();
    });
  }

  void look() {
    const auto outcome = file_->refresh();
    if (!outcome.changed) return;
    for (const std::string& problem : outcome.problems)
      spdlog::error("{}; the users of before stay in force", problem);
    if (outcome.problems.empty())
      spdlog::info("{} changed: {} users", file_->path(), file_->current()->size());
  }

  std::shared_ptr<users::UserFile> file_;
  net::thread_pool reader_{
      1};  // a long list takes a while to read, and the control thread has revocations to follow
  net::steady_timer timer_{reader_};
};

class PostgresSource final : public UserSource {
 public:
  PostgresSource(net::io_context& control, stores::postgres::Target target, config::PostgresUsers rules)
      : control_(control), target_(std::move(target)), rules_(std::move(rules)) {}

  std::unique_ptr<users::UserStore> connect(net::any_io_executor executor, Deadlines&) override {
    return std::make_unique<stores::postgres::PostgresUsers>(std::move(executor), target_, rules_);
  }

  // Once: a query that can't work is told at the start, and not by the first user's login.
  void start() override {
    users_ = std::make_unique<stores::postgres::PostgresUsers>(control_.get_executor(), target_, rules_);
    spawn(control_, users_->probe(), [](std::exception_ptr error, const std::string& flaw) {
      if (!error && !flaw.empty()) spdlog::error("nobody can log in: {}", flaw);
    });
  }
  void stop() override {}

 private:
  net::io_context& control_;
  stores::postgres::Target target_;
  config::PostgresUsers rules_;
  std::unique_ptr<stores::postgres::PostgresUsers> users_;
};

class HttpSource final : public UserSource {
 public:
  explicit HttpSource(config::HttpUsers rules) : rules_(std::move(rules)) {}

  std::unique_ptr<users::UserStore> connect(net::any_io_executor executor, Deadlines& deadlines) override {
    return std::make_unique<HttpUsers>(std::move(executor), deadlines, rules_);
  }
  void start() override {}
  void stop() override {}

 private:
  config::HttpUsers rules_;
};

Opened open_http(const config::Users& users) {
  for (const std::string& url : {users.http.login, state_url(users.http, "id")})
    if (!parse_http_url(url)) return url + " (users.http) is no URL that can be called";
  return std::unique_ptr<UserSource>(std::make_unique<HttpSource>(users.http));
}

Opened open_file(const config::Users& users) {
  auto file = std::make_shared<users::UserFile>(users.file.path, users.fresh);
  if (const auto outcome = file->refresh(); !outcome.problems.empty()) return lines_of(outcome.problems);
  return std::unique_ptr<UserSource>(std::make_unique<FileSource>(std::move(file)));
}

Opened open_postgres(net::io_context& control, const config::Users& users) {
  auto target = stores::postgres::parse_target(std::string(users.postgres.url.reveal()));
  if (!target) return target.error();
  return std::unique_ptr<UserSource>(
      std::make_unique<PostgresSource>(control, std::move(*target), users.postgres));
}

}  // namespace

Opened UserSource::open(net::io_context& control, const config::Users& users) {
  if (users.source == "file") return open_file(users);
  if (users.source == "postgres") return open_postgres(control, users);
  if (users.source == "http") return open_http(users);
  return std::unique_ptr<UserSource>();
}

}  // namespace sallyport::gateway
