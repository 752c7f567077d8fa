// Says to an upstream, in a way that it can check, who a request is from: X-Auth-Assertion, a short-lived JWT
// of ours for that upstream alone. Signed once per token and upstream and kept until half of its life is
// over, so that the hot path looks up and appends. One per worker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/jose/claims.hpp"
#include "auth/jose/token_issuer.hpp"
#include "auth/time.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

class Assertions {
 public:
  static constexpr std::size_t kKeep = 4096;  // then the older half is forgotten

  Assertions(std::string issuer, std::string roles_claim)
      : issuer_(std::move(issuer)), roles_claim_(std::move(roles_claim)) {}

  // The header line with its CRLF. `end`: the moment from which the token of `claims` is expired; the
  // assertion lives no longer. Valid until the next call.
  std::string_view line(const std::shared_ptr<const jose::Claims>& claims, const config::Assertion& wanted,
                        jose::TokenIssuer& signer, UnixSeconds end, UnixSeconds now);
  void forget() {  // another key signs
    newer_.clear();
    older_.clear();
  }

 private:
  struct Kept {
    std::shared_ptr<const jose::Claims> claims;  // keeps their address from meaning another token
    std::string audience;
    std::string line;
    UnixSeconds renew{};
  };
  using ByClaims = std::unordered_multimap<const jose::Claims*, Kept>;
  Kept* find(const jose::Claims* claims, const std::string& audience);
  std::string sign(const jose::Claims& claims, const config::Assertion& wanted, jose::TokenIssuer& signer,
                   UnixSeconds expires, UnixSeconds now) const;

  std::string issuer_, roles_claim_;
  ByClaims newer_, older_;
};

}  // namespace sallyport::gateway
