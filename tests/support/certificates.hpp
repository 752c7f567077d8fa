// Certificates made in the test: an authority of its own and leaves for names, as PEM texts.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace sallyport::testing {

struct PemPair {
  std::string certificate;
  std::string key;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test Authority");

  // A leaf (P-256) for DNS names ("a.example", "*.b.example") and addresses ("IP:127.0.0.1"); `days`: until
  // it expires, negative: it has.
  PemPair issue(const std::vector<std::string>& names, int days = 30) const;
  std::string pem() const;  // its own certificate

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
};

}  // namespace sallyport::testing
