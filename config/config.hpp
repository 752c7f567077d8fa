// Every setting of the gateway as plain structs: default, unit and meaning beside each field. This is what
// one YAML file says (CONTRACT section 6); load.hpp reads it, validate.hpp judges it, each module compiles
// its own slice.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/secret.hpp"

namespace sallyport::config {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

// Where a value stood in the file; line and column count from 1, 0 = not from a file (a default).
struct Mark {
  int line = 0;
  int column = 0;
};

struct Address {
  std::string host;        // an IP literal without brackets
  std::uint16_t port = 0;  // 0: the kernel picks one (tests)
};

struct TlsFiles {
  std::string certificate;  // PEM chain, leaf first; absolute after load
  std::string key;          // PEM
};

enum class ClientCertificates { none, optional, required };

struct Listener {
  Address address;
  std::vector<TlsFiles> tls;  // none: plain HTTP; several: chosen by the name that the client asks for
  std::string tls_min_version = "1.2";  // or "1.3"
  std::string client_ca;                // PEM; absolute after load
  ClientCertificates client_certificates = ClientCertificates::none;
  bool proxy_protocol = false;  // every connection begins with a PROXY header (v1 or v2)
  std::string redirect;         // "https": answers every request with a redirect and serves nothing
  unsigned redirect_port = 443;
  Mark mark;
};

struct Admin {
  Address address;
  Secret token;  // bearer for /admin/*; empty: /admin/* answers 401 to everybody
};

struct Limits {
  Millis head{10'000};  // from the first byte of a request to the end of its head
  std::size_t head_size =
      16 * 1024;             // bytes of a request head, start line included; over it 431 (414 for the target)
  std::size_t fields = 100;  // fields in a head; over it 431
  Millis body_idle{60'000};  // longest silence inside a request body
  std::uint64_t body_rate = 500;  // bytes per second that a request body must keep up, averaged
  Millis keep_alive{60'000};      // an idle connection between requests
  Millis stream_idle{3'600'000};  // silence on a response stream or tunnel
  Millis write_stall{30'000};     // a peer that takes no byte of ours
  Millis tls_handshake{10'000};
  std::size_t connections = 10'000;  // client connections in all
  std::size_t per_address = 0;       // client connections of one address; 0: no limit
  Millis drain{30'000};              // from SIGTERM until what still runs is cut
  Millis drain_streams{3'600'000};   // from an upgrade until what the old program still carries is cut
};

struct Log {
  std::string access = "stdout";  // a path, "stdout" or "off"
  std::string audit = "stdout";
  std::string level = "info";       // of the program's own messages, to stderr: debug, info, warn, error
  std::vector<std::string> claims;  // of a request's token, into its access line
  bool mask_clients = false;        // their addresses without the part that tells neighbours apart
};

// Which requests a collector is told of, as spans over OTLP/HTTP.
struct Tracing {
  std::string endpoint;  // http(s)://host:4318/v1/traces
  double sample = 0.01;  // of the requests that bring no traceparent; else its sampled flag decides
  std::string service = "sallyport";
  std::map<std::string, Secret> headers;  // of our calls
  Millis timeout{5'000};                  // for one call
  unsigned queue = 2'048;                 // spans waiting; over it they are dropped and counted
  Mark mark;
};

enum class StoreKind { memory, sqlite, redis };
enum class RedisMode { single, sentinel, cluster };

// What the URL of a store says.
struct StorePlace {
  StoreKind kind = StoreKind::memory;
  std::string url = "memory:";  // without user and password: printable
  std::string path;             // sqlite: file; redis over a Unix socket: socket
  RedisMode mode = RedisMode::single;
  Address address;             // a single Redis (host may be a DNS name)
  std::vector<Address> seeds;  // the Sentinels, or some nodes of the Cluster
  std::string master;          // as the Sentinels call it
  int database = 0;            // redis
  bool tls = false;            // rediss
  std::string user;
  Secret password;
};

// How a Redis with TLS is spoken to, and Sentinels too.
struct StoreTls {
  std::string ca;           // PEM; absolute after load; empty: the system's
  std::string server_name;  // for SNI and the check of the certificate, in place of each server's host
  std::string certificate;  // ours, where the server asks for one: PEM chain
  std::string key;          // PEM
  std::string min_version = "1.2";
};

struct Sentinels {
  std::string user;  // of the Sentinels themselves; the URL's are of the master
  Secret password;
};

struct Store : StorePlace {
  std::string key_prefix = "sallyport:";  // before each Redis key
  Millis timeout{200};                    // for an answer; then the operation is a store error
  Millis connect_timeout{1'000};          // redis: one attempt to connect, handshakes included
  StoreTls tls_rules;
  Sentinels sentinels;
  unsigned wait_replicas = 0;  // that must have a write before it counts as done; 0: the master alone
  Millis wait_timeout{100};    // for them; then the outcome is unknown
  Mark mark;
};

struct Signing {
  std::string algorithm = "ES256";
  std::string keys;  // directory of signing keys (filled on first start), or "store"; empty with `secret`
  Secret secret;     // HS*: at least 32 bytes
  Seconds rotate_every{0};  // a key signs for so long; 0: until `keys rotate`
  std::string key_id;       // kid for `secret`; empty: derived from a digest of it
  Secret wrap_key;          // `keys: store` only: encrypts the private keys that the store holds
};

enum class RotationMode { always, never };
enum class WhenFull { evict_oldest, refuse };

struct Refresh {
  RotationMode rotation = RotationMode::always;
  Seconds idle_ttl{7 * 86400};       // 0: no idle limit
  Seconds absolute_ttl{30 * 86400};  // 0: no absolute limit
  Seconds concurrency_window{10};
  Seconds rotation_grace{600};
  unsigned max_sessions_per_user = 0;  // 0: no limit
  WhenFull when_full = WhenFull::evict_oldest;
  std::string keys;  // directory of MAC keys; empty: beside the signing keys
};

// Where another issuer's tokens say what ours say under our names; empty: as everybody.
struct ForeignClaims {
  std::string roles;     // empty: tokens.claims.roles
  std::string scopes;    // empty: `scope`, else `scp`
  std::string audience;  // empty: `aud`
};

// Someone else's tokens that we accept.
struct ForeignIssuer {
  std::string issuer;
  std::vector<std::string> audience;
  std::vector<std::string> algorithms;  // names of RFC 7518 / RFC 8037
  std::string jwks;                     // https://... or file:path (absolute after load)
  std::string discovery;                // https://.../.well-known/openid-configuration, in place of jwks
  std::string key_file;                 // PEM public key
  Secret secret;                        // HS*
  std::vector<std::string> types;       // allowed `typ`; empty: at+jwt, JWT or absent
  Seconds clock_skew{60};
  Seconds max_lifetime{0};  // from iat (or now, without one) to exp; 0: no limit
  ForeignClaims claims;
  Mark mark;
};

// Where our own claims go, and where the gateway looks for them in any token.
struct ClaimNames {
  std::string roles = "roles";
  std::string name = "name";
  std::string id;  // repeats `sub` under another name; empty: doesn't
};

struct Tokens {
  std::string issuer;
  std::vector<std::string> audience;
  Seconds access_ttl{600};
  Seconds clock_skew{5};
  Signing signing;
  Refresh refresh;
  ClaimNames claims;
  std::vector<ForeignIssuer> issuers;
  Mark mark;
};

enum class Degraded { closed, stale, open };

struct Revocation {
  Millis max_staleness{5'000};
  Degraded degraded = Degraded::closed;
};

struct Throttle {
  unsigned attempts = 10;  // of whatever it bounds ...
  Seconds window{900};     // ... in this time
};

// Of failed logins of one user from one address.
struct LoginLimits : Throttle {
  Seconds known_devices{30 * 86400};  // so long guesses from elsewhere don't slow down where one logged in
};

struct PasswordPolicy {
  unsigned min_length = 12;  // characters
  unsigned max_length = 128;
  bool upper = false, lower = false, digit = false, symbol = false;  // at least one of each that is on
};

struct NewUser {
  std::vector<std::string> roles;
  std::map<std::string, std::string> claims;
};

// `source: file`: a YAML list of users, or htpasswd lines.
struct FileUsers {
  std::string path;  // absolute after load; read again when it changes
};

// `source: postgres`: users are rows of a table that somebody else owns. auth/stores/postgres/README.md names
// the columns.
struct PostgresUsers {
  Secret url;                   // postgresql://user:password@host/database, or key=value words
  std::string by_name;          // SELECT ... with $1, the name as typed
  std::string by_id;            // the same by id: is the account still good, asked at each refresh
  std::string update_password;  // UPDATE ... with $1 id, $2 new hash, $3 old hash; empty: read only
  unsigned connections = 2;     // per worker
  unsigned queue = 256;         // questions waiting for one, per worker; over it 503
  Millis timeout{2'000};        // for an answer, the wait for a connection included
};

// What an answer of the login API calls what we ask for; a dot leads into an object.
struct HttpUserFields {
  std::string id = "id";
  std::string name = "name";
  std::string email = "email";
  std::string email_confirmed;  // empty: is taken for confirmed
  std::string disabled = "disabled";
  std::string roles = "roles";                 // a list, or one text
  std::map<std::string, std::string> claims;   // claim -> member
  std::map<std::string, std::string> profile;  // profile field -> member
};

struct HttpBreaker {
  unsigned failures = 5;   // calls in a row without a usable answer; 0: off
  Millis back_off{1'000};  // then none is made for so long
};

// `source: http`: the login API that the team already has judges the passwords.
struct HttpUsers {
  std::string login;                  // POST {username, password}
  std::string state;                  // GET, {id} stands for the user's id; asked at each refresh
  Secret authorization;               // of our calls: the value of their Authorization field
  std::string username = "username";  // members of the login body
  std::string password = "password";
  HttpUserFields fields;
  Millis timeout{2'000};
  unsigned calls = 32;  // at once, per worker; over it 503
  HttpBreaker breaker;
};

enum class ProfileKind { text, email, phone, date, number };

// What registration takes beside name, password and address. "email" is the account's address, whatever else
// its entry says.
struct ProfileField {
  std::string name;
  ProfileKind kind = ProfileKind::text;
  std::string characters;  // of a text: these alone, such as A-Za-z0-9_-; empty: any but control characters
  bool required = false;
  unsigned min_length = 0, max_length = 256;  // characters
  std::vector<std::string> values;            // one of these; empty: any
  bool show = true;                           // in the token response
  Mark mark;
};

// Where the gateway posts what is to be mailed: it sends no mail itself.
struct Webhook {
  std::string url;
  Secret secret;                        // signs each call, so that the receiver knows us: at least 32 bytes
  Millis timeout{5'000};                // for one attempt
  unsigned attempts = 8;                // of one message, with growing pauses between them
  unsigned queue = 1'000;               // messages waiting; over it they are dropped and counted
  Throttle per_user{5, Seconds{3600}};  // messages about one account
  Mark mark;
};

// The address is the user's once its one-time token came back.
struct Confirmation {
  Seconds ttl{86400};
  std::string page;  // the link's: {token} in it, or ?token= behind it; empty: messages have no link
};

// A new password for whoever has a one-time token.
struct PasswordReset {
  bool on = false;
  Seconds ttl{3600};
  std::string page;  // as Confirmation::page
};

struct Users {
  std::string source = "store";
  FileUsers file;
  PostgresUsers postgres;
  HttpUsers http;
  bool registration = false;
  NewUser fresh;  // YAML `new`: what a registered user starts with
  bool require_confirmed_email = false;
  PasswordPolicy password;
  std::vector<ProfileField> profile;
  std::optional<Webhook> webhook;  // none: tokens come from the command line only
  Confirmation confirmation;
  PasswordReset reset;
  unsigned hashing_threads = 1;
  unsigned hashing_queue = 64;  // logins waiting for a thread; over it 503
};

// Can a password be changed through the gateway?
inline bool writes_passwords(const Users& users) {
  return users.source == "store" || (users.source == "postgres" && !users.postgres.update_password.empty());
}

struct Cors {
  std::vector<std::string> origins;  // exact origins, or "*" alone
  std::vector<std::string> methods;  // empty: the route's
  std::vector<std::string> headers{"Authorization", "Content-Type"};
  std::vector<std::string> expose;
  bool credentials = false;
  Seconds max_age{600};
  bool on() const { return !origins.empty(); }
};

// Paths of the gateway's own endpoints; empty: off (all of them without tokens.issuer). Filled by complete().
struct Endpoints {
  std::string register_, login, refresh, logout, sessions, password, me, jwks, metadata;
  std::string ticket, verify, token, revoke, introspect, openapi, docs;
  std::string reset_request, reset, confirm;
};

// Whose paths, field names and error shapes the endpoints speak. A preset is a set of other defaults
// (presets.hpp).
enum class Preset { oauth2, code_maze, fullstackmark, codepedia, apothecaric };

// How the JSON members of the endpoints are spelt where `fields` doesn't name them.
enum class Style { snake_case, camel_case, pascal_case };

// JSON members of the endpoints by our own name for them.
struct FieldNames {
  Style style = Style::snake_case;
  std::map<std::string, std::string> request;
  std::map<std::string, std::string> response;  // "off": left out
};

// What the endpoints answer where something is refused.
enum class ErrorShape {
  oauth2,       // {"error","error_description","request_id"[,"fields"]}
  text,         // one sentence as text/plain
  code,         // {"code","description"}; of fields as model_state
  model_state,  // {"Field":["..."]}; a sentence stands under ""
};

enum class Grant { password, refresh_token };

// A program that may use the OAuth 2 endpoints.
struct Client {
  std::string name;            // client_id
  std::vector<Secret> secret;  // any of them is good; none: a public client
  std::vector<Grant> grants{Grant::password, Grant::refresh_token};
  bool introspect = false;
  Mark mark;
};

struct Cookies {
  bool on = false;
  std::vector<std::string> origins;  // beside the request's own origin
  Seconds refresh_before{60};        // the gateway refreshes this long before expiry
  std::string login_page;            // where a navigation without a session is sent; empty: 401
};

struct AuthEndpoints {
  std::string prefix = "/auth";
  std::string host;     // empty: every host
  Endpoints endpoints;  // filled from prefix and overrides by load
  std::vector<std::string> expired_header{"Token-Expired"};
  Cors cors;
  LoginLimits throttle;
  std::size_t max_body = 64 * 1024;
  Preset preset = Preset::oauth2;
  FieldNames fields;
  ErrorShape errors = ErrorShape::oauth2;
  unsigned refresh_refused = 401;  // status of a refused refresh: 400 or 401
  bool require_https = false;      // no password and no token over plain HTTP, but from this machine itself
  std::vector<Client> clients;     // none: the token endpoint serves our own applications without client_id
  Cookies cookies;
};

enum class AuthMode { required, optional, none };

struct Defaults {
  std::optional<AuthMode> auth;
  Millis timeout{30'000};  // request fully sent -> response head
  std::uint64_t max_body = 10 * 1024 * 1024;
};

enum class Balance { round_robin, least_requests, hash };

// Which server gets the next request. `hash`: the same value goes to the same server while it is well.
struct Balancing {
  Balance how = Balance::least_requests;
  std::string header;  // hash by this header of the request; empty: by the token's subject
};

// Active checks of an upstream's servers.
struct Health {
  std::string path = "/";
  Millis interval{5'000};
  Millis timeout{2'000};
  unsigned fall = 3;  // failures in a row until a server gets no requests
  unsigned rise = 2;  // successes in a row until it gets them again
};

// A server whose answers fail again and again is left alone for a while. Passive: judged by its traffic.
struct Breaker {
  unsigned failures = 5;   // in a row: no answer in time, a cut or broken one; 0: off
  Millis back_off{1'000};  // then no request for so long; doubled each time that the probe fails too
  Millis max_back_off{30'000};
  bool statuses = false;  // 502, 503 and 504 are failures too
};

enum class RetryOn { connect, reset, bad_gateway, unavailable, gateway_timeout };

// A request goes out again only where that is safe: nothing of an answer was passed on and no byte of its
// body is gone; on anything but a failed connect its method must be idempotent too (RFC 9110 9.2.2).
struct Retry {
  unsigned attempts = 3;  // in all; 1: never again
  std::vector<RetryOn> on{RetryOn::connect, RetryOn::reset};
  unsigned budget = 20;  // second tries in percent of the requests (and some for quiet times), per worker
};

// How https servers are spoken to.
struct UpstreamTls {
  std::string ca;           // PEM; absolute after load; empty: the system's
  std::string server_name;  // for SNI and the check of the certificate, in place of the URL's host
  std::string certificate;  // ours, where the server asks for one: PEM chain
  std::string key;          // PEM
  std::string min_version = "1.2";
};

// A short-lived token of ours for an upstream, in X-Auth-Assertion: who asks, said so that it can be checked.
struct Assertion {
  std::string audience;
  Seconds ttl{60};
};

struct Upstream {
  std::string name;
  struct Server {
    bool tls = false;
    std::string host;  // IP literal or DNS name
    std::uint16_t port = 80;
    std::string unix_path;  // http+unix:/path
    std::string url;        // as written
    unsigned weight = 1;
  };
  std::vector<Server> servers;
  Balancing balance;
  Millis connect_timeout{2'000};
  unsigned max_connections = 256;     // per server and worker
  unsigned max_idle = 64;             // kept per server and worker
  unsigned queue = 256;               // requests waiting for a connection, per worker; over it 503
  Millis idle_timeout{30'000};        // an unused connection is closed
  std::optional<Millis> stream_idle;  // silence inside a response; none: limits.stream_idle
  Millis total_timeout{0};            // from asking a server to the last byte of its answer; 0: none
  std::optional<Health> health;       // none: a server is judged by its traffic alone
  Breaker breaker;
  Millis slow_start{0};  // a server that comes back gets its full share only after so long; 0: at once
  Retry retry;
  UpstreamTls tls;
  std::optional<Assertion> assertion;
  Mark mark;
};

// All keys hold; a list = any of, but for all_*.
struct Allow {
  using Values = std::map<std::string, std::vector<std::string>>;  // by claim path
  std::vector<std::string> roles, all_roles;
  std::vector<std::string> scopes, all_scopes;
  std::vector<std::string> issuers;
  Values claims, all_claims;
  std::vector<std::string> has;  // claims that are there, whatever they say
  bool operator==(const Allow&) const = default;
  bool empty() const { return *this == Allow{}; }
};

// How a claim that is a list, or an object, becomes a header's value.
enum class ClaimFormat { comma, json };

enum class StreamEnds {
  token,
  session
};  // what a tunnel or event stream outlives: nothing, or its first token

struct Route {
  std::string path;                  // normalised by load; "/x/" covers /x and /x/...
  std::string host;                  // empty: every host; *.example.com: one label
  std::vector<std::string> methods;  // empty: all
  std::string upstream;
  AuthMode auth = AuthMode::required;  // resolved by load (own, else defaults.auth)
  bool auth_stated = false;
  Allow allow;
  std::map<std::string, std::string> claims_to_headers;  // claim path -> header name
  ClaimFormat claims_format = ClaimFormat::comma;
  std::string strip_prefix;
  bool forward_authorization = false;
  std::optional<Degraded> degraded;
  std::optional<Millis> timeout;
  std::optional<std::uint64_t> max_body;
  Cors cors;
  bool encoded_slash_pass = false;
  bool empty_segments_pass = false;
  std::vector<std::string> trailers;  // request and response trailers that are forwarded
  std::vector<std::string> upgrades;  // protocols beside websocket
  StreamEnds stream_ends = StreamEnds::token;
  Mark mark;
};

struct Config {
  unsigned workers = 0;  // 0: one per core
  std::vector<Listener> listeners;
  std::optional<Admin> admin;
  Limits limits;
  Log log;
  std::optional<Tracing> tracing;  // none: off
  Store store;
  Tokens tokens;
  Revocation revocation;
  Users users;
  AuthEndpoints auth;
  Defaults defaults;
  std::vector<std::string> trusted_proxies;  // addresses or CIDR
  std::vector<Upstream> upstreams;
  std::vector<Route> routes;
};

}  // namespace sallyport::config
