#include "gateway/messages.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "gateway/date.hpp"
#include "gateway/endpoints/json_object.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::chrono::milliseconds kFirstPause{1'000};
constexpr std::chrono::milliseconds kLongestPause{300'000};

}  // namespace

std::string link_to(std::string_view page, std::string_view token) {
  constexpr std::string_view kPlace = "{token}";
  std::string link(page);
  if (const auto at = link.find(kPlace); at != link.npos) return link.replace(at, kPlace.size(), token);
  const auto end = std::min(link.find('#'), link.size());
  const char* joint = link.find('?') < end ? "&token=" : "?token=";
  return link.insert(end, joint + std::string(token));
}

config::Secret message_json(const Message& message, std::string_view page) {
  endpoints::JsonObject json;
  json.text("event", message.event)
      .text("id", message.id)
      .text("user_id", message.user_id)
      .text("username", message.name)
      .text("email", message.email)
      .text("token", message.token.reveal());
  if (!page.empty()) json.text("link", link_to(page, message.token.reveal()));
  json.text("expires", rfc3339(message.expires));
  return config::Secret(std::move(json).take());
}

std::string message_signature(const config::Secret& secret, UnixSeconds time, std::string_view body) {
  const std::string stamp = std::to_string(time.time_since_epoch().count());
  std::string text = stamp + "." + std::string(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  const bool made =
      HMAC(EVP_sha256(), secret.reveal().data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size) != nullptr;
  OPENSSL_cleanse(text.data(), text.size());
  if (!made) throw std::runtime_error("OpenSSL can't sign a message");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "t=" + stamp + ",v1=";
  for (unsigned i = 0; i < size; ++i) {
    out += kHex[mac[i] >> 4];
    out += kHex[mac[i] & 15];
  }
  return out;
}

Delivery judge_delivery(unsigned status) {
  if (status >= 200 && status < 300) return Delivery::done;
  // The rest of 4xx is about this message, and would be said again; a redirect is nobody's answer to a POST.
  const bool passing = status == 0 || status >= 500 || status == 408 || status == 425 || status == 429;
  return passing ? Delivery::again : Delivery::never;
}

std::chrono::milliseconds pause_after(unsigned attempt, double spread) {
  const unsigned doublings = std::min(attempt > 0 ? attempt - 1 : 0, 16u);
  const auto whole = std::min(kFirstPause * (1u << doublings), kLongestPause);
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(whole.count()) * (1.0 - 0.5 * spread)));
}

}  // namespace sallyport::gateway
