#include "auth/stores/redis/redis_revocation_log.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include "auth/stores/redis/event_record.hpp"
#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {

using revocation::Batch;
using revocation::Event;

namespace {

constexpr std::chrono::milliseconds kLongestWait{1000};
constexpr std::size_t kEventsAtOnce = 500;  // one script call: a few ms of Redis' time at most
constexpr std::size_t kLargestPage = 5000;
constexpr std::size_t kTrimAtOnce = 500;
constexpr int kTrimRounds = 10'000;  // five million entries
// Most entries live equally long, so what is over stands at the beginning: behind so many pages without any,
// the rest isn't looked at. Now and then all is, for those that live shorter than what stands before them.
constexpr int kIdlePages = 8;
constexpr unsigned kWholeEvery = 60;

// For the marker of a fresh log: it must differ from that of the log before.
std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("no random bytes");
  return hex(bytes.data(), bytes.size());
}

// {marker id, marker created, now, gap, entries}; nullopt: not what our script answers.
std::optional<Batch> read_batch(const Reply& reply, std::string from, std::size_t limit) {
  if (!reply.is_array() || reply.elements.size() != 5 || !reply.elements[4].is_array()) return std::nullopt;
  const auto& words = reply.elements;
  const auto created = number_of<std::int64_t>(words[1]);
  const auto now = number_of<std::int64_t>(words[2]);
  if (!words[0].is_string() || !created || !now) return std::nullopt;
  Batch batch;
  batch.marker = {words[0].text, UnixSeconds(std::chrono::seconds(*created))};
  batch.now = UnixMillis(std::chrono::milliseconds(*now));
  batch.gap = words[3].integer != 0;
  batch.cursor = std::move(from);
  for (const Reply& element : words[4].elements) {
    auto entry = read_entry(element);
    if (!entry) return std::nullopt;
    batch.cursor = entry->cursor;
    batch.entries.push_back(std::move(*entry));
  }
  batch.more = batch.entries.size() >= limit;
  return batch;
}

}  // namespace

Task<StoreResult<void>> RedisRevocationLog::append(std::vector<Event> events) {
  for (std::size_t begin = 0; begin < events.size(); begin += kEventsAtOnce) {
    Words keys{keys_.events(), keys_.marker(), keys_.trimmed()};
    Words arguments{random_id()};
    const std::size_t end = std::min(events.size(), begin + kEventsAtOnce);
    for (std::size_t i = begin; i < end; ++i) add_event_words(events[i], arguments);
    auto reply = co_await client_->run(append_events(), std::move(keys), std::move(arguments));
    if (!reply) co_return reply.error();
  }
  co_return StoreResult<void>();
}

Task<StoreResult<Batch>> RedisRevocationLog::read(std::string from, std::size_t limit,
                                                  std::chrono::milliseconds wait) {
  if (!from.empty() && !is_cursor(from)) co_return reader_->corrupt("a position in the log isn't one");
  limit = std::clamp<std::size_t>(limit, 1, kLargestPage);
  wait = std::clamp(wait, std::chrono::milliseconds{0}, kLongestWait);
  Words keys{keys_.events(), keys_.marker(), keys_.trimmed()};
  Words arguments{random_id(), from, std::to_string(limit)};
  StoreResult<Reply> reply = Reply{};
  if (wait.count() == 0) {
    reply = co_await reader_->run(read_events(), std::move(keys), std::move(arguments));
  } else {
    std::string blocking = encode({"XREAD", "COUNT", "1", "BLOCK", std::to_string(wait.count()), "STREAMS",
                                   keys_.events(), from.empty() ? std::string("0-0") : from});
    reply = co_await reader_->wait_and_run(std::move(blocking), wait, read_events(), std::move(keys),
                                           std::move(arguments));
  }
  if (!reply) co_return reply.error();
  auto batch = read_batch(*reply, std::move(from), limit);
  if (!batch) co_return reader_->corrupt("an entry of the revocation log isn't one");
  co_return std::move(*batch);
}

Task<StoreResult<void>> RedisRevocationLog::trim(UnixSeconds now) {
  std::string position = "-";
  const bool whole = trims_++ % kWholeEvery == kWholeEvery - 1;
  int idle = 0;
  for (int round = 0; round < kTrimRounds && !position.empty() && (whole || idle < kIdlePages); ++round) {
    Words keys{keys_.events(), keys_.marker(), keys_.trimmed()};
    Words arguments{std::to_string(now.time_since_epoch().count()), std::move(position),
                    std::to_string(kTrimAtOnce)};
    auto reply = co_await client_->run(trim_events(), std::move(keys), std::move(arguments));
    if (!reply) co_return reply.error();
    if (!reply->is_array() || reply->elements.size() != 2)
      co_return client_->corrupt("a script's answer has no sense");
    position = std::move(reply->elements[0].text);
    idle = reply->elements[1].integer > 0 ? 0 : idle + 1;
  }
  co_return StoreResult<void>();
}

}  // namespace sallyport::stores::redis
