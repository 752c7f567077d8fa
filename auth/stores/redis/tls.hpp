// TLS as a client of Redis: whom we trust, who we are, and the name that the certificate must carry.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/system/result.hpp>

#include <memory>
#include <string>

#include "config/config.hpp"

namespace sallyport::stores::redis {

// Reads the files; the error names the setting and the file. Done for each connection, so that certificates
// that were replaced are used from then on.
boost::system::result<std::shared_ptr<boost::asio::ssl::context>, std::string> make_tls_context(
    const config::StoreTls& rules);

// Before the handshake: asks for `name` (SNI, unless it is an address) and accepts no certificate without it.
bool expect_name(SSL* ssl, const std::string& name);

// Why a handshake failed: the verdict on the certificate where there is one.
std::string tls_failure(const SSL* ssl, const boost::system::error_code& ec);

}  // namespace sallyport::stores::redis
