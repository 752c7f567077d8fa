#include "auth/stores/redis/ask.hpp"

#include "auth/stores/redis/servers.hpp"

namespace sallyport::stores::redis {

Task<StoreResult<std::vector<Reply>>> ask(net::any_io_executor executor, Endpoint server,
                                          Connection::Settings settings, std::vector<std::string> commands) {
  settings.login.store += " (" + server.name() + ")";
  settings.login.role = Role::any;
  settings.attempt = settings.timeout;
  settings.wait_replicas = 0;
  auto where = std::make_shared<SingleServer>(std::move(server));
  Connection connection(std::move(executor), std::move(where), std::move(settings));
  Piece piece{.commands = std::move(commands)};
  co_return co_await send(connection, piece);
}

}  // namespace sallyport::stores::redis
