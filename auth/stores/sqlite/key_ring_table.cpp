#include "auth/stores/sqlite/key_ring_table.hpp"

#include <algorithm>

namespace sallyport::stores::sqlite {

KeyRingTable::KeyRingTable(Database& database)
    : load_(database, "SELECT version, sealed FROM key_ring"),
      insert_(database,
              "INSERT INTO key_ring(only, version, sealed) VALUES(1, 1, ?1) ON CONFLICT DO NOTHING"),
      update_(database, "UPDATE key_ring SET version = version + 1, sealed = ?2 WHERE version = ?1"),
      agreed_(database, "SELECT id FROM agreed_keys WHERE purpose = ?1"),
      say_(database,
           "INSERT INTO agreed_keys(purpose, id) VALUES(?1, ?2) ON CONFLICT(purpose) DO UPDATE SET id = ?2") {
}

jose::KeyRingStore::Stored KeyRingTable::load(std::uint64_t known_version) {
  Rows rows = load_.query();
  if (!rows.next()) return {};
  const auto version = static_cast<std::uint64_t>(rows.integer(0));
  return {version, version == known_version ? std::string() : rows.text(1)};
}

bool KeyRingTable::compare_and_swap(std::uint64_t expected, std::string_view sealed) {
  return (expected == 0 ? insert_.run(sealed) : update_.run(expected, sealed)) == 1;
}

std::string KeyRingTable::agree(std::string_view purpose, std::string_view ours,
                                const std::vector<std::string>& known, bool force) {
  std::string said;
  {
    Rows rows = agreed_.query(purpose);
    if (rows.next()) said = rows.text(0);
  }
  const bool replace = said.empty() || force || std::find(known.begin(), known.end(), said) != known.end();
  if (!replace) return said;
  if (said != ours) say_.run(purpose, ours);
  return std::string(ours);
}

}  // namespace sallyport::stores::sqlite
