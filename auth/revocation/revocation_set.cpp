#include "auth/revocation/revocation_set.hpp"

#include <algorithm>
#include <iterator>

#include "auth/revocation/table.hpp"

namespace sallyport::revocation {
namespace {

// Seconds in 32 bits (until 2106); what lies outside is as good as the end of the range.
std::uint32_t narrow(UnixSeconds t, std::uint32_t highest) {
  const auto seconds = t.time_since_epoch().count();
  if (seconds < 0) return 0;
  return seconds > static_cast<std::int64_t>(highest) ? highest : static_cast<std::uint32_t>(seconds);
}

// Merging so many takes some 50 ms, in which nothing else is followed.
constexpr std::size_t kMergedAtOnce = 1'000'000;

constexpr std::uint32_t kLatest = 0xffffffff, kLatestBefore = kLatest - 1;

template <typename T>
void raise(std::optional<T>& to, const std::optional<T>& value) {
  if (value && (!to || *to < *value)) to = value;
}

void merge(Everything& into, const Everything& from) {
  into.epoch = std::max(into.epoch, from.epoch);
  into.until = std::max(into.until, from.until);
  raise(into.before, from.before);
  raise(into.own_before, from.own_before);
}

Everything everything_of(const Event& event) {
  Everything all{.issuer = event.issuer, .epoch = event.epoch, .until = event.until};
  // An epoch tells tokens and sessions of one second apart.
  if (event.epoch == 0) all.before = all.own_before = event.before;
  return all;
}

// Drops entries that their neighbours of the same digest cover. `entries` is sorted by digest.
template <typename Entry>
void drop_covered(std::vector<Entry>& entries) {
  std::size_t kept = 0;
  for (const Entry& entry : entries) {
    std::size_t first = kept;
    while (first > 0 && entries[first - 1].digest == entry.digest) --first;
    const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(kept);
    if (std::any_of(begin, end, [&](const Entry& e) { return e.covers(entry); })) continue;
    const Entry candidate = entry;
    const auto last = std::remove_if(begin, end, [&](const Entry& e) { return candidate.covers(e); });
    kept = static_cast<std::size_t>(last - entries.begin());
    entries[kept++] = candidate;
  }
  entries.resize(kept);
}

template <typename Entry>
Entry entry_of(const Event& event) {
  Entry entry{.digest = digest(event.kind, event.issuer, event.id), .until = narrow(event.until, kLatest)};
  if (event.before && event.kind == Kind::user) entry.before = narrow(*event.before, kLatestBefore);
  return entry;
}

template <typename Kinds>
Kinds both(const Kinds& a, const Kinds& b) {
  Kinds out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] || b[i];
  return out;
}

}  // namespace

std::shared_ptr<const RevocationSet> RevocationSet::empty() {
  return std::shared_ptr<const RevocationSet>(new RevocationSet);
}

std::shared_ptr<RevocationSet> RevocationSet::copy() const {
  return std::shared_ptr<RevocationSet>(new RevocationSet(*this));
}

bool RevocationSet::revokes(const jose::Claims& claims, const Digests& digests, UnixSeconds now) const {
  if (everything_)
    if (const Everything* all = everything(claims.issuer)) {
      if (claims.own && all->own_before && claims.issued_at < *all->own_before) return true;
      if (now <= all->until) {
        if (claims.own && claims.epoch < all->epoch) return true;
        if (!claims.own && all->before && claims.issued_at < *all->before) return true;
      }
    }

  const std::uint32_t at = narrow(now, kLatest);
  const std::uint32_t issued = narrow(claims.issued_at, kLatestBefore);
  const auto matches = [&](const Entry& entry) {
    return at <= entry.until && (entry.before == Entry::kAnyIssueTime || issued < entry.before);
  };
  const auto kind = [](Kind k) { return static_cast<std::size_t>(k); };
  for (const auto& table : tables_) {
    if (digests.has_session && table->kinds[kind(Kind::session)]) table->prefetch(digests.session);
    if (digests.has_token && table->kinds[kind(Kind::token)]) table->prefetch(digests.token);
  }
  for (const auto& table : tables_) {
    const auto& kinds = table->kinds;
    if (digests.has_session && kinds[kind(Kind::session)] && table->any(digests.session, matches))
      return true;
    if (digests.has_token && kinds[kind(Kind::token)] && table->any(digests.token, matches)) return true;
    if (kinds[kind(Kind::user)] && table->any(digests.user, matches)) return true;
    if (kinds[kind(Kind::key)] && table->any(digests.key, matches)) return true;
  }
  return false;
}

bool RevocationSet::revokes_session(const Digest& session, UnixSeconds now) const {
  const std::uint32_t at = narrow(now, kLatest);
  return std::any_of(tables_.begin(), tables_.end(), [&](const auto& table) {
    return table->any(session, [&](const Entry& entry) { return at <= entry.until; });
  });
}

bool RevocationSet::has(const Entry& wanted) const {
  return std::any_of(tables_.begin(), tables_.end(), [&](const auto& table) {
    return table->any(wanted.digest, [&](const Entry& entry) { return entry.covers(wanted); });
  });
}

bool RevocationSet::covers(const Event& event) const {
  if (event.kind != Kind::everything) {
    const Entry entry = entry_of<Entry>(event);
    return entry.until == 0 || has(entry);
  }
  const Everything* known = everything(event.issuer);
  if (known == nullptr) return false;
  Everything merged = *known;
  merge(merged, everything_of(event));
  return merged == *known;
}

std::shared_ptr<const RevocationSet> RevocationSet::with(std::span<const Event> events) const {
  auto next = copy();
  std::vector<Entry> fresh;
  std::array<bool, 5> kinds{};
  std::shared_ptr<std::vector<Everything>> all;
  for (const Event& event : events) {
    if (event.kind == Kind::everything) {
      if (!all)
        all =
            std::make_shared<std::vector<Everything>>(everything_ ? *everything_ : std::vector<Everything>{});
      const auto found =
          std::find_if(all->begin(), all->end(), [&](const auto& e) { return e.issuer == event.issuer; });
      if (found == all->end()) {
        all->push_back(everything_of(event));
      } else {
        merge(*found, everything_of(event));
      }
      continue;
    }
    const Entry entry = entry_of<Entry>(event);
    if (entry.until == 0 || has(entry)) continue;
    fresh.push_back(entry);
    kinds[static_cast<std::size_t>(event.kind)] = true;
  }
  if (all) next->everything_ = std::move(all);
  if (fresh.empty()) return next;

  // As a log-structured merge tree: a level is at least four times as big as the one behind it. An entry is
  // copied about log2(n) times in its life, and a look-up asks few levels. Levels that take long to merge are
  // left to compacted().
  std::sort(fresh.begin(), fresh.end());
  drop_covered(fresh);
  Tables& tables = next->tables_;
  while (!tables.empty() && tables.back()->used < 4 * fresh.size() &&
         tables.back()->used + fresh.size() <= kMergedAtOnce) {
    const std::vector<Entry> older = tables.back()->sorted();
    kinds = both(kinds, tables.back()->kinds);
    tables.pop_back();
    std::vector<Entry> merged;
    merged.reserve(older.size() + fresh.size());
    std::merge(older.begin(), older.end(), fresh.begin(), fresh.end(), std::back_inserter(merged));
    drop_covered(merged);
    fresh = std::move(merged);
  }
  tables.push_back(std::make_shared<const Table>(fresh, kinds));
  return next;
}

std::shared_ptr<const RevocationSet> RevocationSet::with_own_before(std::string_view issuer,
                                                                    UnixSeconds moment) const {
  auto next = copy();
  auto all =
      std::make_shared<std::vector<Everything>>(everything_ ? *everything_ : std::vector<Everything>{});
  auto found =
      std::find_if(all->begin(), all->end(), [&](const Everything& e) { return e.issuer == issuer; });
  if (found == all->end()) found = all->insert(found, Everything{.issuer = std::string(issuer)});
  raise(found->own_before, std::optional(moment));
  next->everything_ = std::move(all);
  return next;
}

std::shared_ptr<const RevocationSet> RevocationSet::compacted(UnixSeconds now) const {
  auto next = copy();
  next->tables_.clear();
  const std::uint32_t at = narrow(now, kLatest);
  std::vector<Entry> kept;
  std::array<bool, 5> kinds{};
  for (const auto& table : tables_) {
    kinds = both(kinds, table->kinds);
    for (const Entry& entry : table->slots)
      if (entry.until != 0 && entry.until >= at) kept.push_back(entry);
  }
  if (kept.empty()) return next;
  std::sort(kept.begin(), kept.end());
  drop_covered(kept);
  next->tables_.push_back(std::make_shared<const Table>(kept, kinds));
  return next;
}

const Everything* RevocationSet::everything(std::string_view issuer) const {
  if (!everything_) return nullptr;
  for (const Everything& entry : *everything_)
    if (entry.issuer == issuer) return &entry;
  return nullptr;
}

std::size_t RevocationSet::size() const {
  std::size_t count = 0;
  for (const auto& table : tables_) count += table->used;
  return count;
}

std::size_t RevocationSet::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& table : tables_)
    bytes += table->slots.capacity() * sizeof(Entry) + table->filter.capacity() * sizeof(std::uint64_t);
  return bytes;
}

}  // namespace sallyport::revocation
