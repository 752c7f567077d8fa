// See tls_server.hpp.
#include "gateway/net/tls_server.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace sallyport::gateway {
namespace {

// Forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

// The reason of OpenSSL's last error; its queue is empty afterwards.
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "unknown error";
}

// A file that isn't there or isn't ours to read is said so before OpenSSL says something vaguer.
std::string unreadable(const std::string& path, const char* key) {
  errno = 0;
  std::ifstream in(path);
  if (in && in.peek() != std::ifstream::traits_type::eof()) return {};
  const int code = errno;
  if (in.is_open() && code == 0) return path + ": the file is empty; listeners[]." + key + " needs PEM";
  return path + ": cannot read it (" + std::strerror(code != 0 ? code : EIO) + "); check listeners[]." + key +
         ", and the file's owner and mode";
}

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned int in_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1\x08http/1.0";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2: a client that speaks only something else
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int ticket_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

// RFC 5077 4. 0: an unknown key, a whole handshake; 2: good, but seal a new ticket.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int seal) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ticket_slot()));
  const SteadyTime now = std::chrono::steady_clock::now();
  TicketKeys::Found found;
  if (seal == 1) {
    found.key = keys->sealing(now);
    std::copy(found.key.name.begin(), found.key.name.end(), name);
    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return -1;
  } else {
    auto known = keys->opening(name, now);
    if (!known) return 0;
    found = *known;
  }
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, found.key.mac.data(), found.key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  const bool good =
      EVP_MAC_CTX_set_params(mac, params) == 1 &&
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, found.key.cipher.data(), iv, seal) == 1;
  OPENSSL_cleanse(&found.key, sizeof found.key);
  if (!good) return -1;
  return found.renew ? 2 : 1;
}

}  // namespace

boost::system::result<std::shared_ptr<const TlsServer>, std::string> TlsServer::load(
    const config::Listener& listener, TicketKeys& tickets) {
  std::shared_ptr<TlsServer> server(new TlsServer);
  for (const config::TlsFiles& files : listener.tls)
    if (std::string error = server->add(files, listener, tickets); !error.empty()) return error;
  SSL_CTX* const first = server->contexts_.front().get();
  SSL_CTX_callback_ctrl(first, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(&TlsServer::on_server_name));
  SSL_CTX_set_tlsext_servername_arg(first, server.get());
  return std::shared_ptr<const TlsServer>(std::move(server));
}

std::string TlsServer::add(const config::TlsFiles& files, const config::Listener& listener,
                           TicketKeys& tickets) {
  for (const auto& [path, key] :
       {std::pair{&files.certificate, "tls.certificate"}, std::pair{&files.key, "tls.key"}})
    if (std::string error = unreadable(*path, key); !error.empty()) return error;
  ERR_clear_error();
  SslContext made(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = made.get();
  if (context == nullptr) return "cannot set up TLS: " + reason();
  SSL_CTX_set_min_proto_version(context, listener.tls_min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_cipher_list(context, kCiphers) != 1) return "cannot set up TLS: " + reason();
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);

  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return files.certificate + ": no PEM certificate chain (" + reason() +
           "); it begins with the leaf, intermediates follow";
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const unsigned long code = ERR_peek_last_error();
    const bool mismatch =
        ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                              ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
    const std::string why = reason();
    if (mismatch)
      return files.key + ": this key doesn't belong to the certificate in " + files.certificate +
             "; name the key that the certificate was made for";
    return files.key + ": no PEM private key (" + why + "); one without a passphrase is needed";
  }
  if (SSL_CTX_check_private_key(context) != 1)
    return files.key + ": this key doesn't belong to the certificate in " + files.certificate +
           "; name the key that the certificate was made for";

  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets alone: nothing is kept per client
  SSL_CTX_set_timeout(context, TicketKeys::kLifetime.count());
  SSL_CTX_set_ex_data(context, ticket_slot(), &tickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  if (std::string error = set_client_rule(context, listener); !error.empty()) return error;
  note_names(context, files);
  contexts_.push_back(std::move(made));
  return {};
}

// A ticket carries the client certificate's verdict, so it is good only under the rule that it was made
// under: the rule is part of the session id context.
std::string TlsServer::set_client_rule(SSL_CTX* context, const config::Listener& listener) {
  std::string rule = "sallyport " + std::to_string(static_cast<int>(listener.client_certificates));
  if (listener.client_certificates != config::ClientCertificates::none) {
    if (std::string error = unreadable(listener.client_ca, "client_ca"); !error.empty()) return error;
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(listener.client_ca.c_str());
    if (names == nullptr || SSL_CTX_load_verify_file(context, listener.client_ca.c_str()) != 1) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return listener.client_ca + ": no PEM certificates (" + reason() +
             "); listeners[].client_ca needs some";
    }
    SSL_CTX_set_client_CA_list(context, names);
    const bool required = listener.client_certificates == config::ClientCertificates::required;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    rule += text_of(listener.client_ca);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(rule.data(), rule.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    return "cannot set up TLS: " + reason();
  SSL_CTX_set_session_id_context(context, digest, std::min<unsigned>(size, SSL_MAX_SID_CTX_LENGTH));
  return {};
}

void TlsServer::note_names(SSL_CTX* context, const config::TlsFiles& files) {
  X509* const leaf = SSL_CTX_get0_certificate(context);
  if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
    notes_.push_back(files.certificate + ": the certificate has expired; clients will refuse it");
  const std::size_t place = contexts_.size();
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    std::string text = lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                              static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))});
    if (text.find('\0') != std::string::npos) continue;  // "good.example\0.evil.example"
    if (!names_.emplace(text, place).second)
      notes_.push_back(files.certificate + ": an earlier certificate of this listener serves " + text);
  }
  GENERAL_NAMES_free(names);
  ERR_clear_error();
}

std::size_t TlsServer::choose(std::string_view asked) const {
  std::string name = lower(std::string(asked));
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (const auto exact = names_.find(name); exact != names_.end()) return exact->second;
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0) return 0;
  const auto wildcard = names_.find("*" + name.substr(dot));
  return wildcard != names_.end() ? wildcard->second : 0;
}

int TlsServer::on_server_name(SSL* ssl, int*, void* self) {
  const auto* server = static_cast<const TlsServer*>(self);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  if (const std::size_t place = server->choose(name); place != 0)
    SSL_set_SSL_CTX(ssl, server->contexts_[place].get());
  return SSL_TLSEXT_ERR_OK;
}

Ssl TlsServer::accept() const {
  Ssl ssl(SSL_new(contexts_.front().get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace sallyport::gateway
