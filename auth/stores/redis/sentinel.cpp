#include "auth/stores/redis/sentinel.hpp"

#include <algorithm>

#include "auth/stores/redis/ask.hpp"
#include "auth/stores/redis/errors.hpp"
#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {

MasterAddress read_master_address(const Reply& reply, std::string_view name) {
  const auto useless = [](std::string why) { return MasterAddress{std::nullopt, std::move(why)}; };
  if (reply.is_nil()) return useless("it watches no master named " + std::string(name));
  if (reply.is_error()) return useless(printable(reply.text));
  const bool pair = reply.is_array() && reply.elements.size() == 2 && reply.elements[0].is_string() &&
                    !reply.elements[0].text.empty();
  const auto port = pair ? number_of<std::uint16_t>(reply.elements[1]) : std::nullopt;
  if (!port || *port == 0) return useless("it doesn't answer as a Sentinel does");
  return MasterAddress{Endpoint{reply.elements[0].text, *port, {}}, {}};
}

void SentinelOrder::answered(const Endpoint& sentinel) {
  const auto at = std::find(order_.begin(), order_.end(), sentinel);
  if (at != order_.end()) std::rotate(order_.begin(), at, order_.end());
}

void SentinelOrder::misled() {
  if (!order_.empty()) std::rotate(order_.begin(), order_.begin() + 1, order_.end());
}

// The first answer counts; the connection then checks the role itself, which a stale answer doesn't survive.
Task<StoreResult<Endpoint>> SentinelTopology::master() {
  std::string why;
  const std::vector<Endpoint> order = order_.order();
  for (const Endpoint& sentinel : order) {
    std::vector<std::string> question{encode({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name_})};
    Endpoint server = sentinel;
    Connection::Settings settings = settings_;
    net::any_io_executor executor = executor_;
    auto replies =
        co_await ask(std::move(executor), std::move(server), std::move(settings), std::move(question));
    std::string flaw;
    if (replies) {
      MasterAddress address = read_master_address(replies->front(), name_);
      if (address.master) {
        order_.answered(sentinel);
        co_return std::move(*address.master);
      }
      flaw = sentinel.name() + ": " + address.flaw;
    } else {
      flaw = replies.error().detail.substr(settings_.login.store.size());
    }
    why += (why.empty() ? "" : "; ") + flaw;
  }
  co_return make_error(StoreError::Kind::unreachable, settings_.login.store,
                       "no Sentinel says where the master is: " + why);
}

}  // namespace sallyport::stores::redis
