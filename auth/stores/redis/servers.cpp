#include "auth/stores/redis/servers.hpp"

namespace sallyport::stores::redis {

Task<StoreResult<std::vector<Reply>>> send(Connection& connection, const Piece& piece) {
  if (piece.commands.empty()) co_return std::vector<Reply>();
  const std::size_t count = piece.commands.size();
  std::string all;
  for (const auto& one : piece.commands) all += one;
  auto reply = co_await connection.execute(std::move(all), count, piece.more_patience, piece.durable);
  if (!reply) co_return reply.error();
  if (count > 1) co_return std::move(reply->elements);
  std::vector<Reply> single;
  single.push_back(std::move(*reply));
  co_return single;
}

Task<StoreResult<std::vector<Reply>>> OneServer::execute(Piece piece) {
  co_return co_await send(connection_, piece);
}

}  // namespace sallyport::stores::redis
