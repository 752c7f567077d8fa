// The admin listener: health for orchestrators and scrapers, on an address of its own and on the control
// thread, so that it answers when the workers are busy. Only what CONTRACT section 7 lists; the public
// listeners answer none of it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/result.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "auth/task.hpp"
#include "config/config.hpp"
#include "gateway/admin/catalogue.hpp"
#include "gateway/admin/documents.hpp"
#include "gateway/admin/people.hpp"
#include "gateway/admin/report.hpp"
#include "gateway/follower.hpp"
#include "gateway/http1/server_connection.hpp"
#include "gateway/inline_page.hpp"
#include "gateway/key_keeper.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/reload.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

class Admin {
 public:
  using Reloaded = std::function<void(const ReloadOutcome&)>;
  using DoReload = std::function<void(Reloaded done)>;  // `done` may be called at once

  Admin(net::io_context& control, const config::Admin& config, std::shared_ptr<const Runtime> runtime,
        const Follower& follower, const KeyKeeper& keys, const Shared& shared, Metrics& metrics,
        const ReloadRecord& reloads, DoReload reload);

  // `inherited`: the socket that listens there already, owned. The error names address and cause.
  boost::system::result<void, std::string> listen(std::optional<int> inherited);
  void begin();  // accepts from now on
  const config::Address& address() const { return address_; }
  int descriptor() { return acceptor_.native_handle(); }
  void use(std::shared_ptr<const Runtime> runtime);                          // after a reload
  void ask(std::vector<Worker*> workers) { workers_ = std::move(workers); }  // once they run
  void stop();

 private:
  Task<> accept();
  Task<> tick();
  Task<> serve(Socket socket);
  Task<> answer(http1::ServerConnection& connection, const http1::Refusal* refusal);

  struct Document {
    static Document of(std::optional<AdminAnswer> said);  // nullopt: by a worker that didn't answer in time

    unsigned status = 200;
    std::string_view type = "application/json";
    std::string body;
    std::optional<Verdict> refusal;  // instead of a body
    std::string_view lines;          // more of its head
  };
  std::optional<Verdict> may(const RequestHead& head) const;  // nullopt: it may act
  Task<Document> act(http1::ServerConnection& connection, const admin::Found& found);
  Task<Document> reload();
  Task<Document> people(PeopleRequest request);
  Task<Document> revoke(http1::ServerConnection& connection);
  Task<std::vector<WorkerReport>> reports();
  Task<std::string> metrics();
  ReadyState readiness() const;

  net::io_context& control_;
  config::Address address_;
  config::Secret token_;
  std::shared_ptr<const Runtime> runtime_;
  const Follower& follower_;
  const KeyKeeper& keys_;
  const Shared& shared_;
  Metrics& metrics_;
  const ReloadRecord& reloads_;
  DoReload reload_;
  net::ip::tcp::acceptor acceptor_;
  Deadlines deadlines_;
  BufferPool blocks_;
  http1::ScratchPool scratch_;
  http1::ConnectionLimits limits_;
  net::steady_timer ticker_;
  const InlinePage console_;
  const std::string sign_in_;  // lines of the console's head for whoever has no token yet
  bool draining_ = false;
  std::set<http1::ServerConnection*> connections_;
  std::vector<Worker*> workers_;
  std::vector<WorkerReport> last_;  // of each, for where one doesn't answer: a counter never falls
};

}  // namespace sallyport::gateway
