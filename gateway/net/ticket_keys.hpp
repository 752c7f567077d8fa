// The keys under which TLS session tickets are sealed (RFC 5077): shared by all workers, so that a client is
// recognised by whichever gets its next connection, and replaced every hour, so that a stolen key opens
// little. Thread-safe; the lock is taken once per handshake that seals or opens a ticket, never per request.
#pragma once

#include <array>
#include <chrono>
#include <mutex>
#include <optional>

#include "auth/time.hpp"

namespace sallyport::gateway {

struct TicketKey {
  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 32> cipher{};  // AES-256-CBC
  std::array<unsigned char, 32> mac{};     // HMAC-SHA-256
};

class TicketKeys {
 public:
  static constexpr std::chrono::seconds kPeriod{3600};    // a key seals for so long
  static constexpr std::chrono::seconds kLifetime{7200};  // a ticket is good for so long

  explicit TicketKeys(SteadyTime now);
  ~TicketKeys();  // wipes them
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  TicketKey sealing(SteadyTime now);
  struct Found {
    TicketKey key;
    bool renew = false;  // an older key: the client should get a new ticket
  };
  std::optional<Found> opening(const unsigned char* name, SteadyTime now);

 private:
  void rotate(SteadyTime now);
  static TicketKey fresh();

  std::mutex mutex_;
  std::array<TicketKey, 4> keys_;  // the newest first; the last still opens what lives on from its last use
  std::size_t count_ = 0;
  SteadyTime newest_since_;
};

}  // namespace sallyport::gateway
