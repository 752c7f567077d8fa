#include "gateway/config_watch.hpp"

#include <utility>

#include "gateway/net/file_stamp.hpp"

namespace sallyport::gateway {

bool StampWatch::look(const std::string& stamp, bool there) {
  const bool still = std::exchange(seen_, stamp) == stamp;
  return there && still && stamp != loaded_;
}

void ConfigWatch::stop() {
  stopped_ = true;
  timer_.cancel();
}

void ConfigWatch::about_to_load() { stamps_.loaded(file_stamp(path_)); }

void ConfigWatch::wait() {
  timer_.expires_after(kEvery);
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec || stopped_) return;
    const std::string stamp = file_stamp(path_);
    if (stamps_.look(stamp, !stamp.starts_with('-'))) changed_();
    if (!stopped_) wait();
  });
}

}  // namespace sallyport::gateway
