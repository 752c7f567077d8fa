// The functions for EC points are among those that OpenSSL 3.0 would rather have retired, but no newer one
// takes a table.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "auth/jose/p256_table.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <list>
#include <mutex>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "auth/jose/openssl.hpp"
#include "auth/low_priority.hpp"

namespace sallyport::jose {
namespace {

constexpr int kBytes = 32;  // of a coordinate, of the order, of r and s

// 256 bits, the lowest word first.
using Words = std::array<std::uint64_t, 4>;

Words words_of(const BIGNUM* number) {
  std::array<unsigned char, kBytes> little{};
  BN_bn2lebinpad(number, little.data(), kBytes);
  Words words{};
  for (std::size_t i = 0; i < little.size(); ++i) words[i / 8] |= std::uint64_t{little[i]} << i % 8 * 8;
  return words;
}

void set(BIGNUM* number, const Words& words) {
  std::array<unsigned char, kBytes> little;  // NOLINT: filled below
  for (std::size_t i = 0; i < little.size(); ++i)
    little[i] = static_cast<unsigned char>(words[i / 8] >> i % 8 * 8);
  BN_lebin2bn(little.data(), kBytes, number);
}

bool less(const Words& a, const Words& b) {
  for (std::size_t i = a.size(); i-- > 0;)
    if (a[i] != b[i]) return a[i] < b[i];
  return false;
}

void add(Words& to, const Words& other) {
  bool carry = false;
  for (std::size_t i = 0; i < to.size(); ++i) {
    std::uint64_t sum = 0;
    const bool first = __builtin_add_overflow(to[i], other[i], &sum);
    carry = static_cast<int>(first) | static_cast<int>(__builtin_add_overflow(sum, carry, &to[i]));
  }
}

void subtract(Words& from, const Words& other) {
  bool borrow = false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::uint64_t rest = 0;
    const bool first = __builtin_sub_overflow(from[i], other[i], &rest);
    borrow = static_cast<int>(first) | static_cast<int>(__builtin_sub_overflow(rest, borrow, &from[i]));
  }
}

// By fewer than 64 bits.
void shift_down(Words& words, unsigned bits) {
  if (bits == 0) return;
  for (std::size_t i = 0; i < 3; ++i) words[i] = words[i] >> bits | words[i + 1] << (64 - bits);
  words[3] >>= bits;
}
void shift_up(Words& words, unsigned bits) {
  if (bits == 0) return;
  for (std::size_t i = 3; i > 0; --i) words[i] = words[i] << bits | words[i - 1] >> (64 - bits);
  words[0] <<= bits;
}

// Kaliski's almost inverse (The Montgomery Inverse and Its Applications, 1995): `value` * 2^-`power` is the
// inverse of `number` modulo the odd prime `modulus`. 0 < number < modulus. u*t + v*r = modulus throughout,
// so nothing outgrows 256 bits. OpenSSL's own for public numbers takes 20 us, this 3.
struct AlmostInverse {
  Words value;
  unsigned power;
};
AlmostInverse almost_inverse(const Words& number, const Words& modulus) {
  Words u = modulus, v = number, r{0}, t{1};
  unsigned power = 0;
  const auto halve = [&power](Words& even, Words& other) {
    for (;;) {
      const unsigned zeros = even[0] == 0 ? 63 : static_cast<unsigned>(std::countr_zero(even[0]));
      if (zeros == 0) return;
      shift_down(even, zeros);
      shift_up(other, zeros);
      power += zeros;
    }
  };
  halve(v, r);
  while (u != v) {
    if (less(u, v)) {
      subtract(v, u);
      add(t, r);
      halve(v, r);
    } else {
      subtract(u, v);
      add(r, t);
      halve(u, t);
    }
  }
  return {t, power};
}

}  // namespace

// The curve twice: as it is, and with the public key in the base point's place, which OpenSSL makes a table
// for.
struct P256Table::Curve {
  EcGroup group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  EcGroup of_key{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  Montgomery modulo_order{BN_MONT_CTX_new()};
  Words order{};

  bool prepare(const EVP_PKEY* key) {
    const BignumContext context(BN_CTX_new());
    const EcPoint point(group ? EC_POINT_new(group.get()) : nullptr);
    BIGNUM *px = nullptr, *py = nullptr;
    const bool read = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &px) == 1 &&
                      EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &py) == 1;
    const Bignum x(px), y(py);
    if (!read || !context || !point || !of_key || !modulo_order) return false;
    const BIGNUM* n = EC_GROUP_get0_order(group.get());
    order = words_of(n);
    // Refuses what isn't on the curve.
    return EC_POINT_set_affine_coordinates(group.get(), point.get(), x.get(), y.get(), context.get()) == 1 &&
           EC_GROUP_set_generator(of_key.get(), point.get(), n, EC_GROUP_get0_cofactor(group.get())) == 1 &&
           EC_GROUP_precompute_mult(of_key.get(), context.get()) == 1 &&
           BN_MONT_CTX_set(modulo_order.get(), n, context.get()) == 1;
  }
};

P256Table::P256Table(std::unique_ptr<Curve> curve) : curve_(std::move(curve)) {}
P256Table::~P256Table() = default;

std::shared_ptr<const P256Table> P256Table::of(const EVP_PKEY* key) {
  const ErrorQueueGuard guard;
  std::array<char, 32> name{};
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) != 1 ||
      std::string_view(name.data()) != SN_X9_62_prime256v1)
    return nullptr;
  auto curve = std::make_unique<Curve>();
  if (!curve->prepare(key)) return nullptr;
  return std::shared_ptr<const P256Table>(new P256Table(std::move(curve)));
}

struct P256Checker::Scratch {
  explicit Scratch(const P256Table::Curve& c)
      : curve(c), point(EC_POINT_new(c.group.get())), other(EC_POINT_new(c.group.get())) {
    for (const void* one :
         {static_cast<void*>(context.get()), static_cast<void*>(r.get()), static_cast<void*>(s.get()),
          static_cast<void*>(e.get()), static_cast<void*>(inverse.get()), static_cast<void*>(t.get()),
          static_cast<void*>(point.get()), static_cast<void*>(other.get())})
      if (one == nullptr) throw std::bad_alloc();
  }

  const BIGNUM* order() const { return EC_GROUP_get0_order(curve.group.get()); }
  bool multiply(BIGNUM* to, const BIGNUM* a, const BIGNUM* b) {
    return BN_mod_mul_montgomery(to, a, b, curve.modulo_order.get(), context.get()) == 1;
  }
  bool in_range(const BIGNUM* number) const { return !BN_is_zero(number) && BN_cmp(number, order()) < 0; }

  // `inverse` becomes that of `s`, in Montgomery's form: times any number and reduced it is the quotient.
  bool invert_s() {
    const AlmostInverse almost = almost_inverse(words_of(s.get()), curve.order);
    set(inverse.get(), almost.value);
    BN_zero(t.get());
    if (BN_set_bit(t.get(), static_cast<int>(512 - almost.power)) != 1) return false;
    while (BN_cmp(t.get(), order()) >= 0)
      if (BN_sub(t.get(), t.get(), order()) != 1) return false;
    if (!multiply(inverse.get(), inverse.get(), t.get())) return false;
    // Nothing is believed of the lines above that isn't proved here.
    return multiply(t.get(), inverse.get(), s.get()) && BN_is_one(t.get());
  }

  const P256Table::Curve& curve;
  BignumContext context{BN_CTX_new()};
  Bignum r{BN_new()}, s{BN_new()}, e{BN_new()}, inverse{BN_new()}, t{BN_new()};
  EcPoint point, other;
};

P256Checker::P256Checker(std::shared_ptr<const P256Table> table)
    : table_(std::move(table)), scratch_(std::make_unique<Scratch>(*table_->curve_)) {}
P256Checker::~P256Checker() = default;

bool P256Checker::verify(std::string_view digest, std::string_view signature) {
  if (digest.size() != kBytes || signature.size() != 2 * kBytes) return false;
  Scratch& my = *scratch_;
  BN_CTX* const context = my.context.get();
  const EC_GROUP* const group = my.curve.group.get();
  if (!BN_bin2bn(bytes(signature), kBytes, my.r.get()) ||
      !BN_bin2bn(bytes(signature) + kBytes, kBytes, my.s.get()) ||
      !BN_bin2bn(bytes(digest), kBytes, my.e.get()))
    return false;
  if (!my.in_range(my.r.get()) || !my.in_range(my.s.get()) || !my.invert_s()) return false;
  if (BN_cmp(my.e.get(), my.order()) >= 0 && BN_sub(my.e.get(), my.e.get(), my.order()) != 1) return false;

  // R = (e/s)G + (r/s)Q, and r must be its x modulo the order.
  BIGNUM* const x = my.t.get();
  if (!my.multiply(x, my.inverse.get(), my.e.get()) ||
      EC_POINT_mul(group, my.point.get(), x, nullptr, nullptr, context) != 1 ||
      !my.multiply(x, my.inverse.get(), my.r.get()) ||
      EC_POINT_mul(my.curve.of_key.get(), my.other.get(), x, nullptr, nullptr, context) != 1 ||
      EC_POINT_add(group, my.point.get(), my.point.get(), my.other.get(), context) != 1 ||
      EC_POINT_is_at_infinity(group, my.point.get()) == 1 ||
      EC_POINT_get_affine_coordinates(group, my.point.get(), x, nullptr, context) != 1)
    return false;
  if (BN_cmp(x, my.order()) >= 0 && BN_sub(x, x, my.order()) != 1) return false;
  return BN_cmp(x, my.r.get()) == 0;
}

struct P256TableMaker::Shared {
  explicit Shared(std::shared_ptr<EVP_PKEY> k) : key(std::move(k)) {}

  void make() noexcept {
    lower_priority();
    try {
      table = P256Table::of(key.get());
      ready.store(table != nullptr, std::memory_order_release);
    } catch (const std::exception&) {
      table = nullptr;  // no memory: checks go on as they were
    }
  }

  std::shared_ptr<EVP_PKEY> key;
  std::atomic<unsigned> good{0};
  std::atomic<bool> ready{false};
  std::shared_ptr<const P256Table> table;  // written once, before `ready`
};

namespace {

// The threads that make tables. Keys come and go on event loops, which mustn't wait for them; the process
// does, at its end, before OpenSSL cleans up.
class Makers {
 public:
  static Makers& all() {
    static Makers makers;
    return makers;
  }
  ~Makers() {
    for (Maker& maker : makers_) maker.thread.join();
  }

  template <typename Work>
  void start(Work work) {
    const std::lock_guard lock(mutex_);
    makers_.remove_if([](Maker& maker) {
      if (!maker.done) return false;
      maker.thread.join();
      return true;
    });
    Maker& maker = makers_.emplace_back();
    try {
      maker.thread = std::thread([&maker, work = std::move(work)]() mutable {
        work();
        maker.done = true;
      });
    } catch (const std::system_error&) {
      makers_.pop_back();  // no thread to be had: checks go on as they were
    }
  }

 private:
  struct Maker {
    std::thread thread;
    std::atomic<bool> done{false};
  };
  std::mutex mutex_;
  std::list<Maker> makers_;
};

}  // namespace

P256TableMaker::P256TableMaker(std::shared_ptr<EVP_PKEY> key)
    : shared_(std::make_shared<Shared>(std::move(key))) {}
P256TableMaker::~P256TableMaker() = default;

unsigned P256TableMaker::counted() const { return shared_->good.load(std::memory_order_relaxed); }

std::shared_ptr<const P256Table> P256TableMaker::count_good() {
  Shared& my = *shared_;
  if (my.ready.load(std::memory_order_acquire)) return my.table;
  if (counted() < kWorthwhile && my.good.fetch_add(1, std::memory_order_relaxed) + 1 == kWorthwhile)
    Makers::all().start([shared = shared_] { shared->make(); });
  return nullptr;
}

}  // namespace sallyport::jose
