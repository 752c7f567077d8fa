// The sealed key ring as its one row, and which keys the gateways on this store say they have. Synchronous,
// inside the caller's transaction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/key_ring_store.hpp"
#include "auth/stores/sqlite/database.hpp"

namespace sallyport::stores::sqlite {

class KeyRingTable {
 public:
  explicit KeyRingTable(Database& database);

  jose::KeyRingStore::Stored load(std::uint64_t known_version);
  bool compare_and_swap(std::uint64_t expected, std::string_view sealed);
  std::string agree(std::string_view purpose, std::string_view ours, const std::vector<std::string>& known,
                    bool force);

 private:
  Statement load_, insert_, update_, agreed_, say_;
};

}  // namespace sallyport::stores::sqlite
