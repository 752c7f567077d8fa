// The one description of every setting: its key, its field, its meaning in a line, its range. Loading,
// printing the configuration in force and the reference are visitors over it, so none of them can forget a
// setting.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/leaf.hpp"

namespace sallyport::config {

// Shapes of YAML beyond section, list and map; describe() wraps a field in one of these.
template <class T>
struct Named {
  std::vector<T>& items;
};  // a map in YAML; the key is the item's `name`
template <class T>
struct Switch {
  bool& on;
  T& section;
};  // off | on | a section (which means on)
template <class T>
struct OneOrMore {
  std::vector<T>& items;
};  // one section, or a list of them
template <class T>
struct Brief {
  std::vector<T>& items;
};  // a list whose items are scalars or sections (or one scalar)
template <class T, class L>
struct Short {
  T& section;
  L leaf;
};  // a section that may be written as one scalar

template <class V>
void describe(V& v, TlsFiles& x) {
  v("certificate", Path{x.certificate}, "PEM chain, leaf first; read again when the file changes", kRequired);
  v("key", Path{x.key}, "PEM private key of the leaf", kRequired);
}

template <class V>
void describe(V& v, Listener& x) {
  v.at(x.mark);
  v("address", x.address, "IP address and port to accept clients on", kRequired);
  v("tls", OneOrMore<TlsFiles>{x.tls},
    "speak TLS here; of several certificates the one whose names (SAN) match what the client asks for, else "
    "the first");
  v("tls_min_version", Choice{x.tls_min_version, {"1.2", "1.3"}}, "oldest TLS version that is spoken");
  v("client_ca", Path{x.client_ca}, "PEM certificates that client certificates must come from");
  v("client_certificates", x.client_certificates,
    "optional still refuses a bad one; required refuses a client without");
  v("proxy_protocol", x.proxy_protocol,
    "connections begin with a PROXY header (version 1 or 2), from trusted_proxies only: others are closed");
  v("redirect", Choice{x.redirect, {"https"}},
    "answer every request with a redirect (308) to https:// of the same host and path");
  v("redirect_port", x.redirect_port, "port of that redirect", Rule{.min = 1, .max = 65535});
}

template <class V>
void describe(V& v, Admin& x) {
  v("address", x.address, "IP address and port of health, metrics and admin calls", kRequired);
  v("token", x.token, "bearer token of /admin/*; without one they answer 401 to everybody");
}

template <class V>
void describe(V& v, Limits& x) {
  v("head", x.head, "from the first byte of a request to the end of its head", kPositive);
  v("head_size", Size{x.head_size},
    "bytes of a request head, its first line included; over it 431 (414 for the target)",
    Rule{.min = 1024, .max = 60 * 1024});
  v("fields", Count{x.fields}, "fields in a head; over it 431", Rule{.min = 8, .max = 1000});
  v("body_idle", x.body_idle, "longest silence inside a request body", kPositive);
  v("body_rate", Rate{x.body_rate}, "what a request body must keep up on average");
  v("keep_alive", x.keep_alive, "an idle connection between two requests", kPositive);
  v("stream_idle", x.stream_idle, "longest silence on a response stream or tunnel", kPositive);
  v("write_stall", x.write_stall, "a client or upstream that takes no byte of ours", kPositive);
  v("tls_handshake", x.tls_handshake, "from accept to the end of the TLS handshake", kPositive);
  v("connections", Count{x.connections},
    "client connections in all; further ones wait in the kernel's queue, and the longest idle are closed",
    kPositive);
  v("per_address", Count{x.per_address},
    "client connections of one address (IPv6: of one /64); over it they are closed; 0: no limit");
  v("drain", x.drain, "from SIGTERM until what still runs is cut");
  v("drain_streams", x.drain_streams,
    "from an upgrade (SIGUSR2) until what the old program still carries is cut");
}

template <class V>
void describe(V& v, Log& x) {
  v("access", Path{x.access, {"stdout", "off"}}, "access log, one JSON line per request");
  v("audit", Path{x.audit, {"stdout", "off"}}, "audit log: logins, refreshes, revocations and changes");
  v("level", Choice{x.level, {"debug", "info", "warn", "error"}}, "the program's own messages, on stderr");
  v("claims", x.claims,
    "claims of the token that the access line of its request repeats, such as tenant or realm_access.roles");
  v("mask_clients", x.mask_clients,
    "addresses of clients in both logs without their end: 192.0.2.0, 2001:db8:1::");
}

template <class V>
void describe(V& v, Tracing& x) {
  v.at(x.mark);
  v("endpoint", x.endpoint,
    "where spans are posted as OTLP JSON, such as http://collector:4318/v1/traces; the whole URL", kRequired);
  v("sample", Ratio{x.sample},
    "of the requests without a traceparent, so many are traced; with one, its sampled flag decides");
  v("service", x.service, "the gateway's name in the traces (service.name)");
  v("headers", x.headers, "header fields of these calls, such as an API key");
  v("timeout", x.timeout, "for one call", kPositive);
  v("queue", x.queue, "spans that wait for the collector; over it they are dropped and counted",
    Rule{.min = 256, .max = 100'000});
}

template <class V>
void describe(V& v, StoreTls& x) {
  v("ca", Path{x.ca}, "PEM certificates that the server's must come from; without it the system's");
  v("server_name", x.server_name,
    "the name to ask for and to find in each server's certificate, in place of the host that we connect to");
  v("certificate", Path{x.certificate}, "PEM chain to show to a server that asks for one");
  v("key", Path{x.key}, "PEM private key of it");
  v("min_version", Choice{x.min_version, {"1.2", "1.3"}}, "oldest TLS version that is spoken");
}

template <class V>
void describe(V& v, Sentinels& x) {
  v("user", x.user, "of the Sentinels, where they have users");
  v("password", x.password, "of the Sentinels; the one in the URL is the master's");
}

template <class V>
void describe(V& v, Store& x) {
  v.at(x.mark);
  v("url", StoreUrl{x}, "where sessions, users and revocations live; `store: <url>` is the short form");
  v("password", x.password, "of Redis, where the URL should not carry it");
  v("key_prefix", x.key_prefix, "before each Redis key");
  v("timeout", x.timeout, "for one answer of the store; over it the operation failed", kPositive);
  v("connect_timeout", x.connect_timeout,
    "for one attempt to connect to Redis: names, Sentinels, TLS, password and role together", kPositive);
  v("tls", x.tls_rules, "of rediss:// URLs");
  v("sentinel", x.sentinels, "how to log in to the Sentinels");
  v("wait_replicas", x.wait_replicas,
    "replicas of Redis that must have a session, a user or a revocation before it counts as written; 0: none",
    Rule{.max = 16});
  v("wait_timeout", x.wait_timeout,
    "for them; over it the answer is 503, repeating is safe; at most half of timeout", kPositive);
}

template <class V>
void describe(V& v, Signing& x) {
  v("algorithm",
    Choice{x.algorithm,
           {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA", "HS256",
            "HS384", "HS512"}},
    "of the access tokens that we sign");
  v("keys", Path{x.keys, {"store"}},
    "directory of the signing keys (filled on first start); store: a fleet shares them");
  v("rotate_every", x.rotate_every,
    "a running gateway puts a new signing key in place after this time, published as long before; off: only "
    "`keys rotate` does");
  v("secret", x.secret, "for HS256, HS384, HS512 in place of keys; 32 bytes or more");
  v("key_id", x.key_id, "`kid` for secret; without one a digest of it");
  v("wrap_key", x.wrap_key, "for `keys: store`: encrypts them there; 32 bytes or more");
}

template <class V>
void describe(V& v, Refresh& x) {
  v("rotation", x.rotation, "whether each refresh gives a new refresh token");
  v("idle_ttl", x.idle_ttl, "a session ends this long after its last refresh; off: never for that reason");
  v("absolute_ttl", x.absolute_ttl, "a session ends this long after its login; off: never for that reason");
  v("concurrency_window", x.concurrency_window, "tabs that refresh at once all succeed within this time",
    Rule{.max = 3600});
  v("rotation_grace", x.rotation_grace,
    "how long a lost refresh reply can be repeated, until the new pair is used");
  v("max_sessions_per_user", x.max_sessions_per_user, "sessions of one user; 0: no limit");
  v("when_full", x.when_full, "at that limit: end the oldest session or refuse the login");
  v("keys", Path{x.keys, {"store"}},
    "directory of the refresh token keys; without one, beside the signing keys");
}

template <class V>
void describe(V& v, ForeignClaims& x) {
  v("roles", x.roles, "the claim that holds the roles, such as realm_access.roles; in place of claims.roles");
  v("scopes", x.scopes, "the claim that holds the scopes, a list or words; without it scope, else scp");
  v("audience", x.audience, "the claim that says whom the token is for, such as client_id; without it aud");
}

template <class V>
void describe(V& v, ForeignIssuer& x) {
  v.at(x.mark);
  v("issuer", x.issuer, "the `iss` of its tokens, compared as a whole", kRequired);
  v("audience", x.audience, "its tokens must name one of these", kRequired);
  v("algorithms", x.algorithms, "that its keys may use, such as RS256", kRequired);
  v("jwks", Url{x.jwks}, "its public keys: a URL or file:path");
  v("discovery", Url{x.discovery}, "its OpenID configuration, in place of jwks");
  v("key_file", Path{x.key_file}, "its one public key as PEM, in place of jwks");
  v("secret", x.secret, "shared HS* secret, in place of jwks; 32 bytes or more");
  v("types", x.types, "allowed `typ`; without any: at+jwt, JWT or absent");
  v("clock_skew", x.clock_skew, "how far its clock may be off", Rule{.max = 600});
  v("max_lifetime", x.max_lifetime,
    "longest time from iat to exp (without iat: from now); a token of a longer life is refused; off: any");
  v("claims", x.claims, "where its tokens hold what we ask for");
}

template <class V>
void describe(V& v, ClaimNames& x) {
  v("roles", x.roles, "the claim that holds the roles: rol, role, roles, realm_access.roles ...");
  v("name", x.name, "the claim that holds the name to show");
  v("id", x.id, "a claim that repeats the user's id beside `sub`; without one none does");
}

template <class V>
void describe(V& v, Tokens& x) {
  v.at(x.mark);
  v("issuer", x.issuer, "our name in `iss`; with it the gateway signs tokens and has login endpoints");
  v("audience", x.audience, "`aud` of our tokens; at least one with issuer");
  v("access_ttl", x.access_ttl, "life of an access token, never past its session",
    Rule{.min = 1, .max = 7 * 86400});
  v("clock_skew", x.clock_skew, "how far clocks of gateways may be apart", Rule{.max = 600});
  v("signing", x.signing, "how access tokens are signed");
  v("refresh", x.refresh, "refresh tokens and sessions");
  v("claims", x.claims, "names of claims in tokens");
  v("issuers", x.issuers, "other issuers whose tokens are accepted");
}

template <class V>
void describe(V& v, Revocation& x) {
  v("max_staleness", x.max_staleness, "how old the list of revoked tokens may be", kPositive);
  v("degraded", x.degraded,
    "past it: refuse (closed), go on with the last list (stale), do not look at it (open)");
}

template <class V>
void describe(V& v, PasswordPolicy& x) {
  v("min_length", x.min_length, "characters of a new password", Rule{.min = 1, .max = 128});
  v("max_length", x.max_length, "characters of a new password", Rule{.min = 8, .max = 1024});
  v("upper", x.upper, "at least one upper case letter");
  v("lower", x.lower, "at least one lower case letter");
  v("digit", x.digit, "at least one digit");
  v("symbol", x.symbol, "at least one other character");
}

template <class V>
void describe(V& v, NewUser& x) {
  v("roles", x.roles, "roles of a user who registered");
  v("claims", x.claims, "further claims of a user who registered");
}

template <class V>
void describe(V& v, FileUsers& x) {
  v("path", Path{x.path}, "YAML or htpasswd; read again when it changes");
}

template <class V>
void describe(V& v, PostgresUsers& x) {
  v("url", x.url, "postgresql://user:password@host/database, or words such as host=... dbname=...");
  v("by_name", x.by_name,
    "SELECT of one user by the name typed ($1); columns id, name, password_hash, email, email_confirmed, "
    "disabled, roles, \"claims.NAME\", \"profile.NAME\"");
  v("by_id", x.by_id, "the same by id ($1); asked at each refresh");
  v("update_password", x.update_password,
    "UPDATE of the password hash: $1 id, $2 new hash, $3 old hash; without it passwords are only read");
  v("connections", x.connections, "to the server, from each worker", Rule{.min = 1, .max = 64});
  v("queue", x.queue, "questions of a worker that wait for a connection; over it 503", kPositive);
  v("timeout", x.timeout, "for one answer, the wait for a connection included; over it 503", kPositive);
}

template <class V>
void describe(V& v, HttpUserFields& x) {
  v("id", x.id, "the user's id, a text or a whole number");
  v("name", x.name, "the user's name; where it is missing, the one typed");
  v("email", x.email, "the e-mail address");
  v("email_confirmed", x.email_confirmed,
    "whether it is confirmed; without the setting it counts as confirmed");
  v("disabled", x.disabled, "whether the account is disabled");
  v("roles", x.roles, "the roles, a list or one text");
  v("claims", x.claims, "further claims of the token: claim to member");
  v("profile", x.profile, "profile fields of the token response: field to member");
}

template <class V>
void describe(V& v, HttpBreaker& x) {
  v("failures", x.failures, "calls in a row without a usable answer until none is made; 0: never");
  v("back_off", x.back_off, "for so long, then one may try", kPositive);
}

template <class V>
void describe(V& v, HttpUsers& x) {
  v("login", x.login, "URL that is sent name and password by POST: 2xx with JSON is a login, 4xx is none");
  v("state", x.state, "URL of a user's account, {id} in it; asked by GET at each refresh: 404 and 410: gone");
  v("authorization", x.authorization, "the Authorization header of these calls");
  v("username", x.username, "member of the login call that holds the name");
  v("password", x.password, "member of the login call that holds the password");
  v("fields", x.fields, "members of the answers; a dot leads into an object, such as user.id");
  v("timeout", x.timeout, "for one call; over it 503", kPositive);
  v("calls", x.calls, "at once, by each worker; over it 503", kPositive);
  v("breaker", x.breaker, "when the API is left alone for a while");
}

template <class V>
void describe(V& v, ProfileField& x) {
  v.at(x.mark);
  v("name", x.name, "what the field is called in requests and answers; email is the account's address",
    kRequired);
  v("kind", x.kind, "what its value is: a date is 1990-12-31, a number 12 or -0.5, a phone +49 30 123456");
  v("characters", x.characters, "of a text: these ASCII characters alone, such as A-Za-z0-9_-");
  v("required", x.required, "whether nobody registers without it");
  v("min_length", x.min_length, "characters", Rule{.max = 4096});
  v("max_length", x.max_length, "characters", Rule{.min = 1, .max = 4096});
  v("values", x.values, "it must be one of these");
  v("show", x.show, "whether the token response has it");
}

template <class V>
void describe(V& v, Webhook& x) {
  v.at(x.mark);
  v("url", x.url, "where messages to users are posted as JSON, to be mailed from there", kRequired);
  v("secret", x.secret,
    "signs each call: Sallyport-Signature: t=TIME,v1=hex(HMAC-SHA256(TIME + \".\" + body)); 32 bytes or more",
    kRequired);
  v("timeout", x.timeout, "for one attempt", kPositive);
  v("attempts", x.attempts, "of one message, after 1 s, 2 s, 4 s ...", Rule{.min = 1, .max = 16});
  v("queue", x.queue, "messages that wait; over it they are dropped and counted",
    Rule{.min = 1, .max = 100'000});
  v("per_user", x.per_user, "messages about one account in this time; further ones are not sent");
}

template <class V>
void describe(V& v, Confirmation& x) {
  v("ttl", x.ttl, "how long a confirmation token is good", Rule{.min = 60, .max = 30 * 86400});
  v("page", x.page, "the link of the message: {token} in it, or ?token= behind it");
}

template <class V>
void describe(V& v, PasswordReset& x) {
  v("ttl", x.ttl, "how long a reset token is good", Rule{.min = 60, .max = 7 * 86400});
  v("page", x.page, "the link of the message: {token} in it, or ?token= behind it");
}

template <class V>
void describe(V& v, Users& x) {
  v("source", Choice{x.source, {"store", "file", "http", "postgres"}}, "where users are looked up");
  v("file", x.file, "for `source: file`");
  v("postgres", x.postgres, "for `source: postgres`");
  v("http", x.http, "for `source: http`");
  v("registration", x.registration, "whether strangers may create an account");
  v("new", x.fresh, "what a registered user starts with");
  v("require_confirmed_email", x.require_confirmed_email, "no login before the address is confirmed");
  v("password", x.password, "rules for new passwords");
  v("profile", Brief<ProfileField>{x.profile},
    "profile fields that registration takes and the token response shows");
  v("webhook", x.webhook, "tells another program what is to be mailed; without it nothing is");
  v("confirmation", x.confirmation, "of e-mail addresses");
  v("reset", Switch<PasswordReset>{x.reset.on, x.reset},
    "a new password for a one-time token; a section means on");
  v("hashing_threads", x.hashing_threads, "threads that check passwords", Rule{.min = 1, .max = 64});
  v("hashing_queue", x.hashing_queue, "logins that wait for such a thread; over it 503",
    Rule{.min = 1, .max = 100'000});
}

template <class V>
void describe(V& v, Cors& x) {
  v("origins", x.origins, "origins of browser applications such as https://app.example.com, or \"*\" alone");
  v("methods", x.methods, "allowed methods; without any: those of the route");
  v("headers", x.headers, "request headers that a browser application may send");
  v("expose", x.expose, "response headers that it may read, beside the gateway's own");
  v("credentials", x.credentials, "whether the browser may send cookies");
  v("max_age", x.max_age, "how long a browser may remember the preflight");
}

template <class V>
void describe(V& v, Endpoints& x) {
  v("register", Endpoint{x.register_}, "create an account (users.registration)");
  v("login", Endpoint{x.login}, "name and password for a token pair");
  v("refresh", Endpoint{x.refresh}, "refresh token for a new pair");
  v("logout", Endpoint{x.logout}, "end this, the other or all sessions");
  v("sessions", Endpoint{x.sessions}, "list and end one's sessions");
  v("password", Endpoint{x.password}, "change one's password");
  v("me", Endpoint{x.me}, "one's claims");
  v("ticket", Endpoint{x.ticket}, "one-time ticket for a WebSocket or EventSource");
  v("verify", Endpoint{x.verify}, "for nginx auth_request and Traefik forwardAuth");
  v("token", Endpoint{x.token}, "OAuth 2 token endpoint (RFC 6749)");
  v("revoke", Endpoint{x.revoke}, "OAuth 2 revocation (RFC 7009)");
  v("introspect", Endpoint{x.introspect}, "OAuth 2 introspection (RFC 7662)");
  v("jwks", Endpoint{x.jwks}, "our public keys (RFC 7517)");
  v("metadata", Endpoint{x.metadata}, "authorization server metadata (RFC 8414)");
  v("openapi", Endpoint{x.openapi}, "OpenAPI description of these endpoints");
  v("docs", Endpoint{x.docs}, "page to try the calls from");
  v("reset_request", Endpoint{x.reset_request},
    "ask for a password reset token (users.reset, users.webhook)");
  v("reset", Endpoint{x.reset}, "a new password for such a token (users.reset)");
  v("confirm", Endpoint{x.confirm}, "confirm the e-mail address by a token, or ask for one (users.webhook)");
}

template <class V>
void describe(V& v, Cookies& x) {
  v("origins", x.origins, "origins that may send cookies, beside the request's own");
  v("refresh_before", x.refresh_before, "the gateway refreshes this long before the access token expires");
  v("login_page", x.login_page,
    "where a navigation without a session is sent: a path, a URL, or own for the gateway's login and account "
    "page at PREFIX/account");
}

// A Throttle itself is one value in YAML; this one is a section, where further limits have their place.
struct LoginLimitsSection {
  LoginLimits& value;
};

template <class V>
void describe(V& v, LoginLimitsSection& x) {
  Throttle& failures = x.value;
  v("per_user_and_address", failures, "failed logins of one user from one address in this time, then 429");
  v("known_devices", x.value.known_devices,
    "so long after a login, guesses from elsewhere don't slow that user down at that address; off: they do");
}

template <class V>
void describe(V& v, FieldNames& x) {
  v("style", x.style, "spelling of all that request and response do not name");
  v("request", x.request, "members of request bodies: our name to theirs, such as username to userName");
  v("response", x.response, "members of answers: our name to theirs; off leaves one out");
}

template <class V>
void describe(V& v, Client& x) {
  v.at(x.mark);
  v("secret", x.secret,
    "of a confidential client; 32 bytes or more; two while it is changed; without one it is public");
  v("grants", x.grants, "what it may do at the token endpoint");
  v("introspect", x.introspect, "whether it may ask what a token says; needs a secret");
}

template <class V>
void describe(V& v, AuthEndpoints& x) {
  v("preset", x.preset, "whose paths, field names and error shapes the endpoints speak: other defaults");
  v("prefix", x.prefix, "before the paths of the gateway's own endpoints");
  v("host", x.host, "only on this host; without one on every host");
  v("endpoints", x.endpoints, "single paths, moved or off");
  v("expired_header", x.expired_header,
    "header that says that a token is good but expired; one name or a list");
  v("fields", x.fields, "names of JSON members, where the preset's do not fit");
  v("errors", x.errors, "shape of a refusal");
  v("refresh_refused", x.refresh_refused, "status of a refused refresh", Rule{.min = 400, .max = 401});
  v("require_https", x.require_https,
    "refuse logins and tokens over plain HTTP, but from this machine; X-Forwarded-Proto of trusted_proxies "
    "counts");
  v("clients", Named<Client>{x.clients},
    "programs that may use the OAuth 2 endpoints, by client_id; without any, the token endpoint serves "
    "whoever has a password");
  v("cors", x.cors, "browser applications of other origins that may call the endpoints");
  v("cookies", Switch<Cookies>{x.cookies.on, x.cookies},
    "the token pair in HttpOnly cookies too; a section means on");
  v("throttle", LoginLimitsSection{x.throttle}, "against guessing");
  v("max_body", Size{x.max_body}, "body of a call to the endpoints",
    Rule{.min = 1024, .max = 16 * 1024 * 1024});
}

template <class V>
void describe(V& v, Defaults& x) {
  v("auth", x.auth, "of routes that say nothing; none is refused here: say it at each public route");
  v("timeout", x.timeout, "from the request fully sent to the head of the upstream's answer", kPositive);
  v("max_body", Size{x.max_body}, "of a request");
}

template <class V>
void describe(V& v, Health& x) {
  v("path", x.path, "asked with GET; 2xx and 3xx are good");
  v("interval", x.interval, "between two checks", Rule{.min = 100});
  v("timeout", x.timeout, "for one check", kPositive);
  v("fall", x.fall, "failures in a row until the server gets no requests", kPositive);
  v("rise", x.rise, "successes in a row until it gets them again", kPositive);
}

template <class V>
void describe(V& v, Breaker& x) {
  v("failures", x.failures,
    "requests in a row that got no answer in time, a cut or a broken one, until the server is left alone; 0: "
    "never");
  v("back_off", x.back_off, "for so long, then one request may try; doubled each time it fails", kPositive);
  v("max_back_off", x.max_back_off, "but never longer", kPositive);
  v("statuses", x.statuses, "whether answers of status 502, 503 and 504 count as failures too");
}

template <class V>
void describe(V& v, Retry& x) {
  v("attempts", x.attempts, "of one request in all; 1: never a second", Rule{.min = 1, .max = 10});
  v("on", x.on,
    "what is tried again where it is safe: no connection, none of an answer, or an answer of that status");
  v("budget", x.budget, "second tries in percent of the requests, so that they cannot pile up",
    Rule{.max = 100});
}

template <class V>
void describe(V& v, UpstreamTls& x) {
  v("ca", Path{x.ca}, "PEM certificates that a server's must come from; without it the system's");
  v("server_name", x.server_name,
    "the name to ask for and to find in the certificate, in place of the URL's host");
  v("certificate", Path{x.certificate}, "PEM chain to show to a server that asks for one");
  v("key", Path{x.key}, "PEM private key of it");
  v("min_version", Choice{x.min_version, {"1.2", "1.3"}}, "oldest TLS version that is spoken");
}

template <class V>
void describe(V& v, Upstream::Server& x) {
  v("url", ServerUrl{x}, "where it is", kRequired);
  v("weight", x.weight, "its share of the requests, beside the others'", Rule{.min = 1, .max = 1000});
}

template <class V>
void describe(V& v, Assertion& x) {
  v("audience", x.audience, "its `aud`: the name that the upstream checks", kRequired);
  v("ttl", x.ttl, "its life, never past that of the client's token; the upstream sees at least half of it",
    Rule{.min = 10, .max = 3600});
}

template <class V>
void describe(V& v, Upstream& x) {
  v.at(x.mark);
  v("servers", Brief<Upstream::Server>{x.servers}, "where the requests go", kRequired);
  v("balance", x.balance,
    "which server gets the next request; hash: the same value goes to the same server while it is well");
  v("connect_timeout", x.connect_timeout, "to reach a server, TLS and all its addresses included", kPositive);
  v("max_connections", x.max_connections, "to each server, from each worker", kPositive);
  v("max_idle", x.max_idle, "unused connections kept to each server, by each worker");
  v("queue", x.queue, "requests of a worker that wait for a connection; over it 503");
  v("idle_timeout", x.idle_timeout, "an unused connection is closed", kPositive);
  v("stream_idle", x.stream_idle, "longest silence inside a response, in place of limits.stream_idle",
    kPositive);
  v("total_timeout", x.total_timeout,
    "from asking a server to the last byte of its answer; off: no limit but those on silence");
  v("breaker", x.breaker, "when a server is left alone because of its answers");
  v("slow_start", x.slow_start, "a server that comes back gets its full share only after this time");
  v("retry", x.retry, "when a request goes out a second time");
  v("tls", x.tls, "for https servers");
  v("health", x.health, "active checks; without them a server is judged by its traffic");
  v("assertion", x.assertion,
    "send X-Auth-Assertion, a JWT of ours that says who asks, where the request had a token");
}

template <class V>
void describe(V& v, Allow& x) {
  v("roles", x.roles, "one of these roles");
  v("all_roles", x.all_roles, "each of these roles");
  v("scopes", x.scopes, "one of these scopes");
  v("all_scopes", x.all_scopes, "each of these scopes");
  v("issuers", x.issuers, "a token of one of these issuers");
  v("claims", x.claims,
    "for each claim named, one of these values; a dot leads into an object, of a list any element counts");
  v("all_claims", x.all_claims, "for each claim named, a list that holds each of these values");
  v("has", x.has, "claims that the token must have, whatever they say; null, \"\" and [] say nothing");
}

template <class V>
void describe(V& v, Route& x) {
  v.at(x.mark);
  v("path", x.path, "/x/ covers /x and all below; /x is exact; the most specific route wins", kRequired);
  v("host", x.host, "only this host; *.example.com for one label; without one every host");
  v("methods", x.methods, "without any: all; GET implies HEAD");
  v("upstream", x.upstream, "name of a section in upstreams", kRequired);
  v("auth", Stated{x.auth, x.auth_stated}, "whether a token is required; optional still refuses a bad one");
  v("allow", x.allow, "what the token must say; all keys must hold, a list is any of but under all_*");
  v("claims_to_headers", x.claims_to_headers, "claims sent to the upstream: claim to header name");
  v("claims_format", x.claims_format,
    "of claims that are lists, in those headers: comma (elements joined), or json (objects too)");
  v("strip_prefix", x.strip_prefix, "cut from the path before it is sent on");
  v("forward_authorization", x.forward_authorization, "send the Authorization header on");
  v("degraded", x.degraded, "in place of revocation.degraded");
  v("timeout", x.timeout, "in place of defaults.timeout", kPositive);
  v("max_body", x.max_body, "in place of defaults.max_body");
  v("cors", x.cors, "browser applications of other origins that may call this route");
  v("encoded_slash", PassOrRefuse{x.encoded_slash_pass}, "%2F in a path");
  v("empty_segments", PassOrRefuse{x.empty_segments_pass}, "// in a path");
  v("trailers", x.trailers, "trailer fields that are sent on; others are dropped");
  v("upgrades", x.upgrades, "protocols beside websocket that may be tunnelled");
  v("stream_ends", x.stream_ends, "when a tunnel or event stream ends: with its token or with its session");
}

template <class V>
void describe(V& v, Config& x) {
  v("workers", Workers{x.workers}, "threads that serve");
  v("listeners", x.listeners, "where clients connect", kRequired);
  v("admin", x.admin, "listener of health, metrics and admin calls; without the section there is none");
  v("limits", x.limits, "what one client, and all of them, may take");
  v("log", x.log, "where logs go");
  v("tracing", x.tracing,
    "spans of sampled requests for an OpenTelemetry collector; without the section none");
  v("store", Short<Store, StoreUrl>{x.store, StoreUrl{x.store}},
    "where sessions, users and revocations live");
  v("tokens", x.tokens, "our tokens and those of other issuers");
  v("revocation", x.revocation, "what happens when the list of revoked tokens cannot be read");
  v("users", x.users, "who can log in");
  v("auth", x.auth, "the gateway's own endpoints");
  v("defaults", x.defaults, "for routes that say nothing");
  v("trusted_proxies", x.trusted_proxies, "addresses or networks whose Forwarded headers are believed");
  v("upstreams", Named<Upstream>{x.upstreams}, "servers behind the gateway, by name");
  v("routes", x.routes, "what goes where, and for whom; the order does not matter", kRequired);
}

}  // namespace sallyport::config
