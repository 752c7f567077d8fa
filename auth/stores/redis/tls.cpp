#include "auth/stores/redis/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "config/urls.hpp"

namespace sallyport::stores::redis {
namespace {

std::string cause() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  std::string out = text != nullptr ? text : "unknown cause";
  ERR_clear_error();
  return out;
}

}  // namespace

boost::system::result<std::shared_ptr<boost::asio::ssl::context>, std::string> make_tls_context(
    const config::StoreTls& rules) {
  const std::string where = "store.tls.";
  ERR_clear_error();
  auto out = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_client);
  SSL_CTX* context = out->native_handle();
  SSL_CTX_set_min_proto_version(context, rules.min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  const bool trusted = rules.ca.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                        : SSL_CTX_load_verify_file(context, rules.ca.c_str()) == 1;
  if (!trusted) return where + "ca: cannot read " + rules.ca + ": " + cause();
  if (rules.certificate.empty()) return out;
  if (SSL_CTX_use_certificate_chain_file(context, rules.certificate.c_str()) != 1)
    return where + "certificate: cannot read " + rules.certificate + ": " + cause();
  if (SSL_CTX_use_PrivateKey_file(context, rules.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return where + "key: cannot read " + rules.key + ": " + cause();
  if (SSL_CTX_check_private_key(context) != 1)
    return where + "key: " + rules.key + " is not the key of " + rules.certificate;
  return out;
}

bool expect_name(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (config::is_ip(name)) return X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
  // SSL_set_tlsext_host_name without its cast.
  return SSL_set1_host(ssl, name.c_str()) == 1 &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  const_cast<char*>(name.c_str())) == 1;
}

std::string tls_failure(const SSL* ssl, const boost::system::error_code& ec) {
  const long verified = SSL_get_verify_result(ssl);
  ERR_clear_error();
  if (verified != X509_V_OK)
    return std::string("its certificate isn't good: ") + X509_verify_cert_error_string(verified) +
           " (see store.tls)";
  return "the TLS handshake failed: " + ec.message();
}

}  // namespace sallyport::stores::redis
