#include "gateway/upstream/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "config/urls.hpp"
#include "gateway/net/file_stamp.hpp"

namespace sallyport::upstream {
namespace {

constexpr unsigned char kHttp11[] = "\x08http/1.1";  // ALPN, RFC 7301

// Where remember() finds the slot of a connection's server.
int slot_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// SNI; SSL_set_tlsext_host_name without its cast.
bool ask_for(SSL* ssl, const std::string& name) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  const_cast<char*>(name.c_str())) == 1;
}

std::string cause() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  std::string out = text != nullptr ? text : "unknown cause";
  ERR_clear_error();
  return out;
}

}  // namespace

boost::system::result<std::shared_ptr<const TlsClient>, std::string> TlsClient::open(
    const config::Upstream& upstream) {
  const bool wanted = std::any_of(upstream.servers.begin(), upstream.servers.end(),
                                  [](const config::Upstream::Server& server) { return server.tls; });
  if (!wanted) return std::shared_ptr<const TlsClient>();
  const config::UpstreamTls& rules = upstream.tls;
  const std::string where = "upstreams." + upstream.name + ".tls.";
  auto client = std::make_shared<TlsClient>();
  for (const std::string& file : {rules.ca, rules.certificate, rules.key})
    if (!file.empty()) client->files_ += gateway::file_stamp(file);
  ERR_clear_error();
  client->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = client->context_.get();
  if (context == nullptr) return where + "ca: " + cause();
  SSL_CTX_set_min_proto_version(context, rules.min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context, kHttp11, sizeof kHttp11 - 1);
  const bool trusted = rules.ca.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                        : SSL_CTX_load_verify_file(context, rules.ca.c_str()) == 1;
  if (!trusted) return where + "ca: cannot read " + rules.ca + ": " + cause();
  if (!rules.certificate.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, rules.certificate.c_str()) != 1)
      return where + "certificate: cannot read " + rules.certificate + ": " + cause();
    if (SSL_CTX_use_PrivateKey_file(context, rules.key.c_str(), SSL_FILETYPE_PEM) != 1)
      return where + "key: cannot read " + rules.key + ": " + cause();
    if (SSL_CTX_check_private_key(context) != 1)
      return where + "key: " + rules.key + " is not the key of " + rules.certificate;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsClient::remember);
  slot_index();
  for (const auto& server : upstream.servers) {
    const std::string& name = rules.server_name.empty() ? server.host : rules.server_name;
    client->names_.push_back({name, config::is_ip(name)});
  }
  return std::shared_ptr<const TlsClient>(std::move(client));
}

gateway::Ssl TlsClient::start(std::size_t server, TlsSessions& sessions) const {
  gateway::Ssl ssl(SSL_new(context_.get()));
  if (!ssl) throw std::bad_alloc();
  const Name& name = names_[server];
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl.get());
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = name.address
                         ? X509_VERIFY_PARAM_set1_ip_asc(rules, name.text.c_str()) == 1
                         : SSL_set1_host(ssl.get(), name.text.c_str()) == 1 && ask_for(ssl.get(), name.text);
  if (!named) throw std::bad_alloc();  // without a name any certificate would do
  TlsSessions::Slot& slot = sessions.slots_[server];
  SSL_set_ex_data(ssl.get(), slot_index(), &slot);
  if (slot && SSL_SESSION_is_resumable(slot.get())) {
    const TlsSessions::Slot copy(SSL_SESSION_dup(slot.get()));
    if (copy) SSL_set_session(ssl.get(), copy.get());
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

// OpenSSL's callback: at the end of a 1.2 handshake, at each ticket of 1.3. Copies are kept and offered:
// OpenSSL spoils the session of a connection that ends without a close_notify of ours, as cut ones do.
int TlsClient::remember(SSL* ssl, SSL_SESSION* session) {
  auto* slot = static_cast<TlsSessions::Slot*>(SSL_get_ex_data(ssl, slot_index()));
  if (slot != nullptr) slot->reset(SSL_SESSION_dup(session));
  return 0;  // we took no reference
}

std::string tls_failure(const SSL* ssl, const gateway::error_code& ec) {
  if (ec == net::error::timed_out) return "TLS handshake timed out";
  const long verified = ssl != nullptr ? SSL_get_verify_result(ssl) : X509_V_OK;
  if (verified != X509_V_OK)
    return std::string("certificate verify failed: ") + X509_verify_cert_error_string(verified);
  if (ERR_peek_last_error() != 0) return "TLS handshake failed: " + cause();
  return "TLS handshake failed: " + ec.message();
}

}  // namespace sallyport::upstream
