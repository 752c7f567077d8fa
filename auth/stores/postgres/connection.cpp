#include "auth/stores/postgres/connection.hpp"

#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace sallyport::stores::postgres {
namespace {

template <auto free_it>
struct Freeing {
  template <class T>
  void operator()(T* it) const {
    free_it(it);
  }
};
using Options = std::unique_ptr<PQconninfoOption, Freeing<PQconninfoFree>>;
using Result = std::unique_ptr<PGresult, Freeing<PQclear>>;

constexpr std::string_view kDefaultPort = "5432";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// libpq's texts end in newlines, and have some inside.
std::string one_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::erase(line, '\t');
  return line;
}

std::string* value_of(Target& target, std::string_view keyword) {
  const auto at = std::find(target.keywords.begin(), target.keywords.end(), keyword);
  return at == target.keywords.end() ? nullptr
                                     : &target.values[static_cast<std::size_t>(at - target.keywords.begin())];
}

void set(Target& target, const std::string& keyword, std::string value) {
  if (std::string* old = value_of(target, keyword)) {
    *old = std::move(value);
    return;
  }
  target.keywords.push_back(keyword);
  target.values.push_back(std::move(value));
}

void set_default(Target& target, const std::string& keyword, std::string value) {
  if (value_of(target, keyword) == nullptr) set(target, keyword, std::move(value));
}

Answer answer_of(const PGresult* result) {
  Answer answer;
  const int columns = PQnfields(result), rows = PQntuples(result);
  for (int c = 0; c < columns; ++c) answer.columns.emplace_back(PQfname(result, c));
  for (int r = 0; r < rows; ++r) {
    Row& row = answer.rows.emplace_back();
    for (int c = 0; c < columns; ++c)
      row.push_back(PQgetisnull(result, r, c)
                        ? std::nullopt
                        : std::optional<std::string>(std::in_place, PQgetvalue(result, r, c),
                                                     PQgetlength(result, r, c)));
  }
  const std::string affected = PQcmdTuples(const_cast<PGresult*>(result));
  if (!affected.empty()) answer.affected = std::stoull(affected);
  return answer;
}

Connection::Failure refusal(const PGresult* result) {
  const auto field = [&](int code) {
    const char* text = PQresultErrorField(result, code);
    return std::string(text != nullptr ? text : "");
  };
  const std::string state = field(PG_DIAG_SQLSTATE);
  // Not DETAIL: it repeats values.
  Connection::Failure failure;
  failure.error = {StoreError::Kind::refused,
                   "PostgreSQL says " + state + ": " + one_line(field(PG_DIAG_MESSAGE_PRIMARY))};
  failure.data_exception = state.starts_with("22");
  return failure;
}

}  // namespace

boost::system::result<Target, std::string> parse_target(const std::string& url) {
  char* message = nullptr;
  const Options options(PQconninfoParse(url.c_str(), &message));
  if (!options) {
    if (message != nullptr) PQfreemem(message);
    return std::string(
        "users.postgres.url is neither postgresql://user:password@host/database nor words such as "
        "host=... dbname=... user=...");
  }
  Target target;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr && *option->val != '\0') set(target, option->keyword, option->val);
  set_default(target, "application_name", "sallyport");
  // Kerberos would be looked up with calls that block.
  set_default(target, "gssencmode", "disable");
  set(target, "client_encoding", "UTF8");
  return target;
}

Task<boost::system::result<Target, std::string>> resolved(Target target) {
  std::string* const host = value_of(target, "host");
  if (host == nullptr || value_of(target, "hostaddr") != nullptr) co_return target;
  const std::vector<std::string> hosts = split(*host);
  const std::string* const port = value_of(target, "port");
  const std::vector<std::string> ports = split(port != nullptr ? *port : std::string(kDefaultPort));
  std::string all_hosts, all_addresses, all_ports, missing;
  net::ip::tcp::resolver resolver(co_await net::this_coro::executor);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const std::string& own_port = ports.size() == hosts.size() ? ports[i] : ports.front();
    const auto add = [&](const std::string& address) {
      const bool first = all_ports.empty();
      all_hosts += (first ? "" : ",") + hosts[i];
      all_addresses += (first ? "" : ",") + address;
      all_ports += (first ? "" : ",") + own_port;
    };
    if (hosts[i].empty() || hosts[i].front() == '/' || hosts[i].front() == '@') {
      add("");  // a Unix socket
      continue;
    }
    auto [ec, found] = co_await resolver.async_resolve(hosts[i], own_port, kAwait);
    if (ec) missing += (missing.empty() ? "" : ", ") + hosts[i] + ": " + ec.message();
    std::set<std::string> seen;
    for (const auto& entry : found)
      if (const std::string address = entry.endpoint().address().to_string(); seen.insert(address).second)
        add(address);
  }
  if (all_ports.empty()) co_return "cannot find the host " + missing;
  set(target, "host", std::move(all_hosts));
  set(target, "hostaddr", std::move(all_addresses));
  set(target, "port", std::move(all_ports));
  co_return target;
}

Connection::Connection(net::any_io_executor executor) : executor_(std::move(executor)) {}

// A descriptor of its own for each wait: libpq closes and opens its socket while it goes through the
// addresses, and a new one may have the old one's number.
Task<bool> Connection::wait(Direction direction, SteadyTime deadline) {
  const int fd = ::dup(PQsocket(connection_.get()));
  if (fd < 0) co_return false;
  const auto socket = std::make_shared<net::posix::stream_descriptor>(executor_, fd);
  net::steady_timer timer(executor_, deadline);
  timer.async_wait([waiting = std::weak_ptr(socket)](const boost::system::error_code& ec) {
    if (const auto late = waiting.lock(); late && !ec) late->cancel();
  });
  const auto what = direction == Direction::read ? net::posix::descriptor_base::wait_read
                                                 : net::posix::descriptor_base::wait_write;
  auto [ec] = co_await socket->async_wait(what, kAwait);
  timer.cancel();
  co_return !ec && connection_ != nullptr;
}

std::string Connection::problem() const { return one_line(PQerrorMessage(connection_.get())); }

Task<std::string> Connection::connect(Target target, SteadyTime deadline) {
  std::vector<const char*> keywords, values;
  for (std::size_t i = 0; i < target.keywords.size(); ++i) {
    keywords.push_back(target.keywords[i].c_str());
    values.push_back(target.values[i].c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  PostgresPollingStatusType step = PGRES_POLLING_WRITING;
  if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD) step = PGRES_POLLING_FAILED;
  while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
    const Direction direction = step == PGRES_POLLING_READING ? Direction::read : Direction::write;
    const bool ready = co_await wait(direction, deadline);
    if (!ready) {
      close();
      co_return std::string("no connection in time");
    }
    step = PQconnectPoll(connection_.get());
  }
  if (step == PGRES_POLLING_OK && PQsetnonblocking(connection_.get(), 1) == 0) co_return std::string();
  std::string why = connection_ ? problem() : std::string("out of memory");
  close();
  co_return why;
}

Connection::Failure Connection::broken(StoreError::Kind kind, std::string what) {
  close();
  Failure failure;
  failure.error = {kind, std::move(what)};
  return failure;
}

Task<Connection::Asked> Connection::ask(std::string query, std::vector<std::string> parameters,
                                        SteadyTime deadline) {
  if (!connection_) co_return broken(StoreError::Kind::unreachable, "the connection is closed");
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  if (PQsendQueryParams(connection_.get(), query.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) != 1)
    co_return broken(StoreError::Kind::unreachable, problem());

  for (;;) {  // the question out; the server may speak meanwhile
    const int left = PQflush(connection_.get());
    if (left == 0) break;
    if (left < 0) co_return broken(StoreError::Kind::unreachable, problem());
    const bool ready = co_await wait(Direction::write, deadline);
    if (!ready) co_return broken(StoreError::Kind::timeout, "the question wasn't taken in time");
  }

  Result last;
  for (;;) {  // the answer in, until libpq says that it was all
    while (PQisBusy(connection_.get()) == 1) {
      const bool ready = co_await wait(Direction::read, deadline);
      if (!ready) co_return broken(StoreError::Kind::timeout, "no answer in time");
      if (PQconsumeInput(connection_.get()) != 1) co_return broken(StoreError::Kind::unreachable, problem());
    }
    Result next(PQgetResult(connection_.get()));
    if (!next) break;
    last = std::move(next);
  }
  if (!last) co_return broken(StoreError::Kind::unreachable, "the connection ended without an answer");
  const ExecStatusType status = PQresultStatus(last.get());
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    co_return broken(StoreError::Kind::unreachable, one_line(PQresultErrorMessage(last.get())));
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) co_return answer_of(last.get());
  co_return refusal(last.get());
}

bool Connection::stale() {
  return !connection_ || PQconsumeInput(connection_.get()) != 1 ||
         PQstatus(connection_.get()) != CONNECTION_OK;
}

void Connection::close() { connection_.reset(); }

}  // namespace sallyport::stores::postgres
