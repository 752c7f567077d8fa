#include "auth/stores/redis/scripts.hpp"

#include <openssl/evp.h>

#include <array>

#include "auth/stores/redis/keys.hpp"

namespace sallyport::stores::redis {
namespace {

// Numbers go out as text by text(): Lua's own would write 1.7e+12.
constexpr std::string_view kTime = R"(
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function text(n) return string.format('%.0f', n) end
)";

// A session's record, and the index of the user's live ones, whose score is the moment when the session is
// over.
constexpr std::string_view kSession = R"(
local function number(s) return tonumber(s or '') end
local function over(created, used, idle, absolute)
  local at
  if idle > 0 then at = used + idle end
  if absolute > 0 and (not at or created + absolute < at) then at = created + absolute end
  return at
end
local function keep_index(index, now, keep)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
  if not last[2] then return end
  if last[2] == 'inf' then redis.call('PERSIST', index)
  else redis.call('PEXPIRE', index, text(number(last[2]) - now + keep)) end
end
local function keep_record(index, key, sid, now, at, keep)
  if at then
    redis.call('PEXPIRE', key, text(math.max(at - now, 0) + keep))
    redis.call('ZADD', index, text(at), sid)
  else
    redis.call('PERSIST', key)
    redis.call('ZADD', index, '+inf', sid)
  end
  keep_index(index, now, keep)
end
local function finish(index, key, sid, cause)
  redis.call('HSET', key, 'state', 'ended', 'cause', cause)
  redis.call('HINCRBY', key, 'version', 1)
  redis.call('ZREM', index, sid)
end
-- Are all sessions of the index among the keys that we were given? Else the caller asks again with them.
local function known_keys(first_key, first_argument)
  local known = {}
  for i = first_argument, #ARGV do known[ARGV[i]] = KEYS[first_key + i - first_argument] end
  return known
end
local function unknown_members(members, known)
  for _, sid in ipairs(members) do
    if not known[sid] then
      table.insert(members, 1, 'more')
      return members
    end
  end
end
local function epoch_of(key)
  local epoch = redis.call('GET', key)
  if not epoch then return 0 end
  return number(epoch)
end
)";

std::string with(std::string_view a, std::string_view b) { return std::string(a) + std::string(b); }
std::string with(std::string_view a, std::string_view b, std::string_view c) {
  return std::string(a) + std::string(b) + std::string(c);
}

}  // namespace

Script::Script(Lasting lasting, std::string_view text) : source(text), durable(lasting == Lasting::yes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_Digest(source.data(), source.size(), bytes.data(), &size, EVP_sha1(), nullptr);
  digest = hex(bytes.data(), size);
}

// KEYS: 1 index, 2 epoch, 3 the new session, 4.. known ones
// ARGV: 1 sid, 2 user, 3 device, 4 ip, 5 agent, 6 max, 7 evict|refuse, 8 idle, 9 absolute, 10 keep (ms), 11
// global epoch, 12.. known sids
// -> {"created", now, epoch, evicted sid...} | {"refused"} | {"more", sid...}
// The new record is written first: a Redis out of memory refuses that, but no longer once a script has
// written.
const Script& create_session() {
  static const Script script(Lasting::yes, with(kTime, kSession, R"(
local now, epoch = now_ms(), epoch_of(KEYS[2])
if not epoch then return redis.error_reply('CORRUPT the epoch of a user is no number') end
if redis.call('EXISTS', KEYS[3]) == 1 then return redis.error_reply('ERR this session exists already') end
local max, idle, absolute, keep = number(ARGV[6]), number(ARGV[8]), number(ARGV[9]), number(ARGV[10])
local victims, gone = {}, {}
if max > 0 then
  local known, members = known_keys(4, 12), redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(now), '+inf')
  local more = unknown_members(members, known)
  if more then return more end
  local live = {}
  for _, sid in ipairs(members) do
    local r = redis.call('HMGET', known[sid], 'user', 'state', 'epoch', 'created')
    if not r[1] then
      gone[#gone + 1] = sid
    elseif r[1] == ARGV[2] and r[2] == 'live' and (number(r[3]) or 0) >= epoch then
      live[#live + 1] = {sid = sid, created = number(r[4]) or 0}
    end
  end
  if #live >= max then
    if ARGV[7] == 'refuse' then return {'refused'} end
    table.sort(live, function(a, b)
      if a.created ~= b.created then return a.created < b.created end
      return a.sid < b.sid
    end)
    for i = 1, #live - max + 1 do victims[i] = {live[i].sid, known[live[i].sid]} end
  end
end
local t = text(now)
redis.call('HSET', KEYS[3], 'user', ARGV[2], 'device', ARGV[3], 'ip', ARGV[4], 'agent', ARGV[5], 'created', t,
  'used', t, 'rotated', t, 'generation', '0', 'confirmed', '0', 'epoch', text(epoch), 'global', ARGV[11],
  'version', '0', 'state', 'live', 'cause', 'none')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
for _, sid in ipairs(gone) do redis.call('ZREM', KEYS[1], sid) end
for _, victim in ipairs(victims) do finish(KEYS[1], victim[2], victim[1], 'evicted') end
keep_record(KEYS[1], KEYS[3], ARGV[1], now, over(now, now, idle, absolute), keep)
local answer = {'created', t, text(epoch)}
for _, victim in ipairs(victims) do answer[#answer + 1] = victim[1] end
return answer
)"));
  return script;
}

// KEYS: 1 index, 2 session
// ARGV: 1 sid, 2 version read, 3 device, 4 ip, 5 agent, 6 used, 7 rotated, 8 generation, 9 confirmed, 10
// state, 11 cause,
//       12 idle, 13 absolute, 14 keep (ms)
// user, created and epoch never change here. -> 1 | 0
const Script& swap_session() {
  static const Script script(Lasting::yes, with(kTime, kSession, R"(
local r = redis.call('HMGET', KEYS[2], 'version', 'confirmed', 'created')
if r[1] ~= ARGV[2] then return 0 end
local created, confirmed = number(r[3]), number(r[2])
if not created or not confirmed then return redis.error_reply('CORRUPT a session lacks its times') end
if confirmed < number(ARGV[9]) then confirmed = number(ARGV[9]) end
if ARGV[10] == 'live' then
  local at = over(created, number(ARGV[6]), number(ARGV[12]), number(ARGV[13]))
  keep_record(KEYS[1], KEYS[2], ARGV[1], now_ms(), at, number(ARGV[14]))
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
redis.call('HSET', KEYS[2], 'device', ARGV[3], 'ip', ARGV[4], 'agent', ARGV[5], 'used', ARGV[6], 'rotated', ARGV[7],
  'generation', ARGV[8], 'confirmed', text(confirmed), 'state', ARGV[10], 'cause', ARGV[11])
redis.call('HINCRBY', KEYS[2], 'version', 1)
return 1
)"));
  return script;
}

// KEYS: 1 session; ARGV: generation -> 1 | 0
const Script& confirm_session() {
  static const Script script(Lasting::no, R"(
local confirmed = redis.call('HGET', KEYS[1], 'confirmed')
if not confirmed then return 0 end
if not tonumber(confirmed) then return redis.error_reply('CORRUPT a session has no generation') end
if tonumber(confirmed) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'confirmed', ARGV[1]) end
return 1
)");
  return script;
}

// KEYS: 1 index, 2 session; ARGV: sid, user, cause -> 1 | 0
const Script& end_session() {
  static const Script script(Lasting::yes, with(kSession, R"(
local r = redis.call('HMGET', KEYS[2], 'user', 'state')
if r[1] ~= ARGV[2] then return 0 end
if r[2] == 'live' then finish(KEYS[1], KEYS[2], ARGV[1], ARGV[3]) end
return 1
)"));
  return script;
}

// KEYS: 1 index, 2 epoch, 3.. known sessions; ARGV: 1 user, 2 sid that stays or "", 3 cause, 4.. known sids
// -> {"ended", now, sid...} | {"more", sid...}
const Script& end_sessions() {
  static const Script script(Lasting::yes, with(kTime, kSession, R"(
local now, epoch = now_ms(), epoch_of(KEYS[2])
if not epoch then return redis.error_reply('CORRUPT the epoch of a user is no number') end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
local known, members = known_keys(3, 4), redis.call('ZRANGE', KEYS[1], 0, -1)
local more = unknown_members(members, known)
if more then return more end
local records = {}
for i, sid in ipairs(members) do records[i] = redis.call('HMGET', known[sid], 'user', 'state', 'epoch') end
local bumped = text(epoch + 1)
redis.call('SET', KEYS[2], bumped)
local answer = {'ended', text(now)}
for i, sid in ipairs(members) do
  local r, key = records[i], known[sid]
  if not r[1] then
    redis.call('ZREM', KEYS[1], sid)
  elseif r[1] == ARGV[1] and r[2] == 'live' and (number(r[3]) or 0) >= epoch then
    if sid == ARGV[2] then
      redis.call('HSET', key, 'epoch', bumped)
      redis.call('HINCRBY', key, 'version', 1)
    else
      finish(KEYS[1], key, sid, ARGV[3])
      answer[#answer + 1] = sid
    end
  end
end
return answer
)"));
  return script;
}

namespace {

// A fresh log gets its marker before anything else happens to it.
constexpr std::string_view kMarker = R"(
local function marker(fresh_id)
  local id, created = unpack(redis.call('HMGET', KEYS[2], 'id', 'created'))
  if not id then
    id, created = fresh_id, redis.call('TIME')[1]
    redis.call('HSET', KEYS[2], 'id', id, 'created', created)
  end
  return id, created
end
)";

}  // namespace

// ARGV: 1 id for a fresh marker, then seven words for each event: kind, issuer, id, until, before, epoch,
// reason
const Script& append_events() {
  static const Script script(Lasting::yes, with(kMarker, R"(
marker(ARGV[1])
for i = 2, #ARGV, 7 do
  redis.call('XADD', KEYS[1], '*', 'kind', ARGV[i], 'issuer', ARGV[i + 1], 'id', ARGV[i + 2], 'until', ARGV[i + 3],
    'before', ARGV[i + 4], 'epoch', ARGV[i + 5], 'reason', ARGV[i + 6])
end
return #ARGV
)"));
  return script;
}

// ARGV: 1 id for a fresh marker, 2 cursor or "", 3 limit -> {marker id, marker created, now in ms, gap 0|1,
// entries} A cursor is the id of an entry that was there. If it is gone and we didn't drop it, or what we
// dropped up to it could still matter, or the stream is shorter than the cursor, then something may be
// missing.
const Script& read_events() {
  static const Script script(Lasting::no, with(kTime, kMarker, R"(
local id, created = marker(ARGV[1])
local now, gap, start = now_ms(), 0, '-'
if ARGV[2] ~= '' then
  start = '(' .. ARGV[2]
  if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then
    local t = redis.call('HMGET', KEYS[3], 'cursor', 'until')
    local ms, seq = string.match(ARGV[2], '^(%d+)-(%d+)$')
    local tms, tseq = string.match(t[1] or '', '^(%d+)-(%d+)$')
    gap = 1
    if tms then
      ms, seq, tms, tseq = tonumber(ms), tonumber(seq), tonumber(tms), tonumber(tseq)
      local dropped = ms < tms or (ms == tms and seq <= tseq)
      if dropped and (tonumber(t[2]) or math.huge) * 1000 + 1000 <= now then gap = 0 end
    end
  end
end
return {id, created, text(now), gap, redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', ARGV[3])}
)"));
  return script;
}

// ARGV: 1 now in s, 2 where to look on or "-", 3 how many to look at -> {where to look on, or "" at the end;
// how many went}
// Entries aren't ordered by `until`, so all are looked at, a page a call. What went is noted: the last
// position and the latest `until`, for the readers whose own position is gone.
const Script& trim_events() {
  static const Script script(Lasting::no, R"(
local now = tonumber(ARGV[1])
local function parts(id)
  local ms, seq = string.match(id or '', '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local entries = redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[3])
local over, latest = {}, 0
for _, entry in ipairs(entries) do
  local till
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'until' then till = tonumber(entry[2][i + 1]) end
  end
  if not till then return redis.error_reply('CORRUPT an entry of the revocation log has no end') end
  if till < now then
    over[#over + 1] = entry[1]
    latest = math.max(latest, till)
  end
end
if #over > 0 then
  local last = over[#over]
  local noted = redis.call('HMGET', KEYS[3], 'cursor', 'until')
  local ms, seq = parts(noted[1])
  local new_ms, new_seq = parts(last)
  if ms and (ms > new_ms or (ms == new_ms and seq > new_seq)) then last = noted[1] end
  latest = math.max(latest, tonumber(noted[2]) or 0)
  redis.call('HSET', KEYS[3], 'cursor', last, 'until', string.format('%.0f', latest))
  redis.call('XDEL', KEYS[1], unpack(over))
end
if #entries < tonumber(ARGV[3]) then return {'', #over} end
return {'(' .. entries[#entries][1], #over}
)");
  return script;
}

const Script& claim_name() {
  static const Script script(Lasting::yes, R"(
redis.call('ZCARD', KEYS[1])
local holder = redis.call('HGET', KEYS[2], ARGV[1])
if holder and holder ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], '0', ARGV[1])
return 1
)");
  return script;
}

const Script& release_name() {
  static const Script script(Lasting::yes, R"(
redis.call('ZCARD', KEYS[1])
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
)");
  return script;
}

const Script& list_names() {
  static const Script script(Lasting::no, R"(
local first = '-'
if ARGV[1] ~= '' then first = '(' .. ARGV[1] end
local answer = {}
for _, name in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], first, '+', 'LIMIT', '0', ARGV[2])) do
  answer[#answer + 1] = name
  answer[#answer + 1] = redis.call('HGET', KEYS[2], name) or ''
end
return answer
)");
  return script;
}

const Script& add_user() {
  static const Script script(Lasting::yes, R"(
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'data', ARGV[2])
return 1
)");
  return script;
}

const Script& update_user() {
  static const Script script(Lasting::yes, R"(
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'version', 1)
return 1
)");
  return script;
}

const Script& swap_key_ring() {
  static const Script script(Lasting::yes, R"(
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'sealed', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'version', 1)
return 1
)");
  return script;
}

const Script& agree_on_key() {
  static const Script script(Lasting::no, R"(
local said = redis.call('HGET', KEYS[1], ARGV[1])
local replace = not said or ARGV[2] == '1'
for i = 4, #ARGV do replace = replace or said == ARGV[i] end
if not replace then return said end
if said ~= ARGV[3] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return ARGV[3]
)");
  return script;
}

const Script& take_value() {
  static const Script script(Lasting::yes, R"(
local value = redis.call('GET', KEYS[1])
if value then redis.call('DEL', KEYS[1]) end
return value
)");
  return script;
}

// The end of the window is set in the same step as the first count: a counter without one would lock for
// ever.
const Script& count_attempt() {
  static const Script script(Lasting::no, R"(
local count = redis.call('INCR', KEYS[1])
if count == 1 or redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
)");
  return script;
}

}  // namespace sallyport::stores::redis
