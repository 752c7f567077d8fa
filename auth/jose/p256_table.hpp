// ES256 checks at twice the speed. OpenSSL has a table of multiples of P-256's base point, but of no public
// key, and spends half of a check there; a key that checks token after token earns a table of its own. Only
// public numbers are handled here, so nothing needs constant time. It pays where OpenSSL has its own code for
// P-256 (amd64, arm64); elsewhere the verdicts are the same.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string_view>

namespace sallyport::jose {

// Immutable; any thread may use it.
class P256Table {
 public:
  // Takes some 40 ms of CPU, and 150 KiB for as long as it lives. nullptr: not a key on P-256, or OpenSSL
  // can't.
  static std::shared_ptr<const P256Table> of(const EVP_PKEY* key);

  ~P256Table();
  P256Table(const P256Table&) = delete;

 private:
  friend class P256Checker;
  struct Curve;
  explicit P256Table(std::unique_ptr<Curve> curve);

  std::unique_ptr<Curve> curve_;
};

// Checks signatures with a table. Not thread-safe: one per worker.
class P256Checker {
 public:
  explicit P256Checker(std::shared_ptr<const P256Table> table);  // throws std::bad_alloc
  ~P256Checker();
  P256Checker(const P256Checker&) = delete;

  // FIPS 186-5 6.4.2. `digest`: SHA-256 of what was signed; `signature`: r||s, 64 bytes. Doesn't throw; may
  // leave entries in OpenSSL's error queue.
  bool verify(std::string_view digest, std::string_view signature);

 private:
  struct Scratch;
  std::shared_ptr<const P256Table> table_;
  std::unique_ptr<Scratch> scratch_;
};

// Of one key, for all workers: has the table made, by a thread of its own at the lowest priority, once the
// key has checked enough to be worth it.
class P256TableMaker {
 public:
  explicit P256TableMaker(std::shared_ptr<EVP_PKEY> key);
  ~P256TableMaker();  // waits for nothing: a table that nobody wants any more is finished and thrown away
  P256TableMaker(const P256TableMaker&) = delete;

  // To be called after each good signature that was checked without the table, by any thread. Good ones only:
  // a stranger can't make keys look busy. nullptr: not yet.
  std::shared_ptr<const P256Table> count_good();
  unsigned counted() const;

  static constexpr unsigned kWorthwhile = 256;  // a table costs as much as some 700 checks save

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace sallyport::jose
