#include "auth/stores/stores.hpp"

namespace sallyport::stores {

boost::system::result<std::unique_ptr<Backend>, std::string> open(const config::Store&, const config::Refresh&) {
  return std::string("no store is built in");
}

}  // namespace sallyport::stores
