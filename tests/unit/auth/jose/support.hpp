// Shared by the tests of auth/jose: vectors from disk, keys of every algorithm, tokens with any header.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/base64url.hpp"
#include "auth/jose/keys.hpp"
#include "auth/jose/signature.hpp"

namespace sallyport::jose::test {

inline constexpr std::array kAll{Algorithm::hs256, Algorithm::hs384, Algorithm::hs512, Algorithm::rs256,
                                 Algorithm::rs384, Algorithm::rs512, Algorithm::ps256, Algorithm::ps384,
                                 Algorithm::ps512, Algorithm::es256, Algorithm::es384, Algorithm::es512,
                                 Algorithm::eddsa};

inline std::string read_vector(const std::string& path) {
  std::ifstream in(std::string(SALLYPORT_TEST_DATA) + "/vectors/" + path, std::ios::binary);
  if (!in) throw std::runtime_error("no test vector " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline boost::json::value load_vector(const std::string& path) {
  return boost::json::parse(read_vector(path));
}

inline std::string text(const boost::json::value& value) {
  return std::string(std::string_view(value.as_string()));
}

inline std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// One key per algorithm, made once: RSA keys take a while. All RSA algorithms share the numbers.
inline const Key& key_for(Algorithm algorithm) {
  static std::map<Algorithm, Key> keys;
  const auto found = keys.find(algorithm);
  if (found != keys.end()) return found->second;
  if (symmetric(algorithm)) {
    auto made = key_from_secret(
        config::Secret(std::string(64, static_cast<char>('a' + static_cast<int>(algorithm)))), algorithm, {});
    return keys.emplace(algorithm, std::move(*made)).first->second;
  }
  const bool rsa = algorithm >= Algorithm::rs256 && algorithm <= Algorithm::ps512;
  if (rsa && algorithm != Algorithm::rs256) {
    Key key = key_for(Algorithm::rs256);
    key.algorithm = algorithm;
    return keys.emplace(algorithm, std::move(key)).first->second;
  }
  auto made = generate_key(algorithm);
  if (!made) throw std::runtime_error(made.error());
  return keys.emplace(algorithm, std::move(*made)).first->second;
}

inline std::shared_ptr<const KeySet> set_of(std::vector<Key> keys) {
  return std::make_shared<const KeySet>(std::move(keys));
}

// A token of these very bytes, signed well.
inline std::string token_of(const Key& key, std::string_view header, std::string_view payload) {
  std::string token = base64url_encode(header) + '.' + base64url_encode(payload);
  const std::string signature = Signer(key).sign(token);
  return token + '.' + base64url_encode(signature);
}

}  // namespace sallyport::jose::test
