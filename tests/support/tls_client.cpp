// See tls_client.hpp.
#include "tests/support/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <array>
#include <stdexcept>

namespace sallyport::testing {
namespace {

BIO* memory(const std::string& text) { return BIO_new_mem_buf(text.data(), static_cast<int>(text.size())); }

void trust(SSL_CTX* context, const std::string& pem) {
  BIO* bio = memory(pem);
  X509* authority = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
  X509_free(authority);
  BIO_free(bio);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

void show(SSL_CTX* context, const PemPair& own) {
  BIO* bio = memory(own.certificate);
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = memory(own.key);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

// Repeats an SSL call until it succeeds, fails or the time is over; what it returned last.
template <class Call>
int repeat(SSL* ssl, int fd, Deadline deadline, Call call) {
  for (;;) {
    ERR_clear_error();
    const int returned = call();
    if (returned > 0) return returned;
    const int why = SSL_get_error(ssl, returned);
    if (why == SSL_ERROR_WANT_READ && wait_for(fd, POLLIN, deadline)) continue;
    if (why == SSL_ERROR_WANT_WRITE && wait_for(fd, POLLOUT, deadline)) continue;
    return returned;
  }
}

}  // namespace

TlsConnection::TlsConnection(std::uint16_t port, TlsOptions options, Deadline deadline)
    : fd_(connect_tcp(port)), context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_set_min_proto_version(context_, options.min_version);
  SSL_CTX_set_max_proto_version(context_, options.max_version);
  if (options.min_version < TLS1_2_VERSION) SSL_CTX_set_security_level(context_, 0);
  if (!options.authority.empty()) trust(context_, options.authority);
  if (options.certificate) show(context_, *options.certificate);
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd_.get());
  if (!options.server_name.empty()) {
    SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, options.server_name.data());
    SSL_set1_host(ssl_, options.server_name.c_str());
  }
  if (!options.protocols.empty())
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.protocols.data()),
                        static_cast<unsigned>(options.protocols.size()));
  if (options.resume != nullptr) SSL_set_session(ssl_, options.resume);
  if (!options.before.empty()) send_all(fd_.get(), options.before, deadline);
  if (repeat(ssl_, fd_.get(), deadline, [&] { return SSL_connect(ssl_); }) == 1) return;
  const char* why = ERR_reason_error_string(ERR_peek_last_error());
  error_ = why != nullptr ? why : "the connection ended";
}

TlsConnection::~TlsConnection() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

std::string TlsConnection::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsConnection::peer_names() const {
  X509* shown = SSL_get1_peer_certificate(ssl_);
  if (shown == nullptr) return {};
  std::string out;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(shown, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const ASN1_STRING* text = sk_GENERAL_NAME_value(names, i)->d.dNSName;
    if (!out.empty()) out += ", ";
    out.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
               static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  GENERAL_NAMES_free(names);
  X509_free(shown);
  return out;
}

std::string TlsConnection::exchange(std::string_view bytes, std::string_view until, Deadline deadline) {
  std::size_t sent = 0;
  const int wrote = repeat(ssl_, fd_.get(), deadline,
                           [&] { return SSL_write_ex(ssl_, bytes.data(), bytes.size(), &sent); });
  if (wrote != 1) return {};
  std::string out;
  std::array<char, 16384> piece;
  while (until.empty() || out.find(until) == out.npos) {
    std::size_t got = 0;
    const int read = repeat(ssl_, fd_.get(), deadline,
                            [&] { return SSL_read_ex(ssl_, piece.data(), piece.size(), &got); });
    if (read != 1) break;
    out.append(piece.data(), got);
  }
  return out;
}

}  // namespace sallyport::testing
