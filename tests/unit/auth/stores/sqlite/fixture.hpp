// What the unit tests of the SQLite store share: a folder of their own, a clock that they move, and a
// backend.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "auth/stores/sqlite/sqlite_backend.hpp"
#include "tests/support/await.hpp"

namespace sallyport::stores {

using namespace std::chrono_literals;

class SqliteStore : public ::testing::Test {
 protected:
  SqliteStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-sqlite-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    options_.path = (folder_ / "state.db").string();
    options_.timeout = 20s;
    options_.clock = [this] { return UnixMillis(std::chrono::milliseconds(clock_.load())); };
  }
  ~SqliteStore() override {
    close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void open() {
    auto opened = open_sqlite(options_, rules_);
    if (!opened) throw std::runtime_error(opened.error());
    backend_ = std::move(*opened);
    stores_ = backend_->connect(context_.get_executor());
  }
  void close() {
    stores_ = {};
    backend_.reset();
  }
  // The message of an open that must fail.
  std::string refusal() {
    const auto opened = open_sqlite(options_, rules_);
    return opened ? "it opened" : opened.error();
  }

  template <typename T>
  T await(Task<T> task) {
    return sallyport::testing::await(context_, std::move(task));
  }
  template <typename T>
  T ask(Task<StoreResult<T>> task) {
    auto result = await(std::move(task));
    if (!result) throw std::runtime_error(result.error().detail);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

  void advance(std::chrono::milliseconds by) { clock_ += by.count(); }
  UnixMillis now() const { return UnixMillis(std::chrono::milliseconds(clock_.load())); }

  sessions::Session new_session(const std::string& user) {
    sessions::Session session;
    session.user_id = user;
    const unsigned number = ++serial_;
    for (unsigned i = 0; i < 4; ++i) session.id.bytes[8 + i] = static_cast<unsigned char>(number >> (8 * i));
    return session;
  }
  sessions::Session login(const std::string& user) {
    return ask(stores_.sessions->create(new_session(user), 0, config::WhenFull::evict_oldest)).session;
  }

  // A statement on a connection of its own, as another program would run it.
  void sql(const std::string& text) {
    sqlite3* raw = nullptr;
    sqlite3_open(options_.path.c_str(), &raw);
    sqlite3_busy_timeout(raw, 10'000);
    char* message = nullptr;
    const int code = sqlite3_exec(raw, text.c_str(), nullptr, nullptr, &message);
    const std::string problem = message != nullptr ? message : "";
    sqlite3_free(message);
    sqlite3_close(raw);
    if (code != SQLITE_OK) throw std::runtime_error(problem);
  }

  std::filesystem::path folder_;
  std::atomic<std::int64_t> clock_ = 1'700'000'000'000;
  std::atomic<unsigned> serial_ = 0;
  SqliteOptions options_;
  config::Refresh rules_;
  net::io_context context_{1};
  std::unique_ptr<SqliteBackend> backend_;
  Stores stores_;
};

inline revocation::Event event(const std::string& id, UnixSeconds until) {
  revocation::Event made;
  made.kind = revocation::Kind::session;
  made.issuer = "https://auth.example.com";
  made.id = id;
  made.until = until;
  return made;
}

}  // namespace sallyport::stores
