// What must happen in one step inside Redis, as Lua. Each script declares every key that it touches, and its
// clock is Redis' own (TIME). Error replies that begin with CORRUPT say that a key holds something that isn't
// ours.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::stores::redis {

enum class Lasting {
  yes,  // it writes what must not be lost: done once `wait_replicas` have it
  no    // it reads, or what it writes may go with its server
};

struct Script {
  Script(Lasting lasting, std::string_view text);
  std::string source;
  std::string digest;  // SHA-1 in hex, as EVALSHA wants it
  bool durable;
};

// Sessions. KEYS: 1 index, 2 epoch, then session hashes. Where a script needs the hashes of sessions that
// only the index names, and the caller didn't pass them, it answers {"more", sid...} and has changed nothing
// that counts.
const Script& create_session();  // see redis_session_store.cpp for the arguments
const Script& swap_session();
const Script& confirm_session();
const Script& end_session();
const Script& end_sessions();

// Revocations. KEYS: 1 stream, 2 marker, 3 trimmed
const Script& append_events();
const Script& read_events();
const Script& trim_events();

// Users
const Script& claim_name();     // KEYS: 1 names, 2 ids; ARGV: name, id -> 1, or 0 where it is taken
const Script& release_name();   // the same -> 1 where it was that id's
const Script& list_names();     // KEYS: 1 names, 2 ids; ARGV: after, limit -> name, id, name, id, ...
const Script& add_user();       // KEYS: 1 user; ARGV: version, data -> 1, or 0 where it exists
const Script& update_user();    // KEYS: 1 user; ARGV: version, data -> 1, or 0
const Script& swap_key_ring();  // KEYS: 1 ring; ARGV: version, sealed -> 1, or 0 where another version stands
const Script& agree_on_key();   // KEYS: 1 agreed; ARGV: purpose, force, ours, known... -> what stands there
const Script& take_value();     // KEYS: 1 value -> it, or nothing
const Script& count_attempt();  // KEYS: 1 counter; ARGV: window in ms -> count

}  // namespace sallyport::stores::redis
