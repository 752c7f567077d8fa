// A JWS in compact form (RFC 7515 section 7.1), before anything of it is believed: its parts, its header, and
// which key it is to be checked with. Pure views and decisions; the signature itself is SignatureVerifier's.
#pragma once

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string_view>

#include "auth/jose/keys.hpp"
#include "auth/jose/token_verifier.hpp"

namespace sallyport::jose {

struct CompactJws {
  std::string_view header, payload, signature;  // still base64url
  std::string_view signed_bytes;                // header.payload
};

// Nothing: not exactly three parts, or one is empty (an unsecured token, a detached payload).
std::optional<CompactJws> split_compact(std::string_view token);

// What of a header is read; jwk, jku, x5u, x5c and the rest are a stranger's word and aren't (RFC 8725
// section 3.10). The views live as long as the JSON.
struct JwsHeader {
  std::string_view algorithm, key_id, type;
  bool has_key_id = false, has_type = false;
};

// bad_header, or critical_header for what would change the meaning of the rest: crit, b64, zip, enc.
boost::system::result<JwsHeader, TokenError> read_jws_header(const boost::json::value& header);

// The key names the algorithm and the header's is compared (RFC 8725 section 3.1). unknown_key or
// wrong_algorithm.
boost::system::result<const Key*, TokenError> choose_key(const JwsHeader& header, const KeySet& set);

}  // namespace sallyport::jose
