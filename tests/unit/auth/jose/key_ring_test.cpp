// The sealed ring: what it gives back, and what it refuses to open.
#include "auth/jose/key_ring.hpp"

#include <gtest/gtest.h>

#include "auth/jose/base64url.hpp"
#include "auth/jose/key_acts.hpp"

namespace sallyport::jose {
namespace {

using config::Secret;

const Secret kWrap(std::string(32, 'w'));
constexpr UnixSeconds kNow{std::chrono::seconds{1'800'000'000}};

KeyRing filled() {
  KeyRing ring;
  auto change = acts::begin(ring);
  EXPECT_TRUE(change);
  EXPECT_TRUE(acts::make_missing(*change, Algorithm::es256, kNow));
  return ring;
}

OwnKeys keys_of(const KeyRing& ring) {
  const auto entries = acts::read_state(ring);
  EXPECT_TRUE(entries);
  auto keys = acts::load(ring, *entries, true);
  EXPECT_TRUE(keys);
  return std::move(*keys);
}

TEST(KeyRing, GivesBackTheKeysThatItWasSealedWith) {
  const KeyRing ring = filled();
  EXPECT_TRUE(ring.changed());
  const std::string sealed = ring.seal(kWrap);
  const auto opened = KeyRing::open(sealed, kWrap);
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_FALSE(opened->changed());
  const OwnKeys before = keys_of(ring), after = keys_of(*opened);
  EXPECT_EQ(after.signing->id, before.signing->id);
  EXPECT_TRUE(after.signing->can_sign);
  ASSERT_EQ(after.refresh.size(), 1u);
  EXPECT_TRUE(after.refresh[0].secret.equals(before.refresh[0].secret.reveal()));
}

TEST(KeyRing, ShowsNothingOfAKeyAndNeverTheSameTextTwice) {
  const KeyRing ring = filled();
  const std::string sealed = ring.seal(kWrap);
  EXPECT_NE(sealed, ring.seal(kWrap));
  const auto raw = base64url_decode(std::string_view(sealed).substr(3));
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->find("PRIVATE KEY"), raw->npos);
  EXPECT_EQ(raw->find(keys_of(ring).signing->id), raw->npos);
}

TEST(KeyRing, NamesTheWrapKeyWhereItIsAnotherOne) {
  const auto opened = KeyRing::open(filled().seal(kWrap), Secret(std::string(32, 'x')));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().find("another wrap_key"), opened.error().npos);
}

TEST(KeyRing, RefusesEveryChangedOrCutByte) {
  const std::string sealed = filled().seal(kWrap);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(KeyRing::open(changed, kWrap)) << i;
    EXPECT_FALSE(KeyRing::open(std::string_view(sealed).substr(0, i), kWrap)) << i;
  }
}

TEST(KeyRing, RotatesAndForgetsAsAFolderDoes) {
  KeyRing ring = filled();
  const std::string first = keys_of(ring).signing->id;
  auto change = acts::begin(ring);
  ASSERT_TRUE(change);
  const auto second = acts::rotate(*change, Algorithm::es256, kNow);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, first);
  const OwnKeys keys = keys_of(ring);
  ASSERT_EQ(keys.verifying->keys().size(), 2u);
  const Key* retired = keys.verifying->find(first, Algorithm::es256);
  ASSERT_NE(retired, nullptr);
  EXPECT_FALSE(retired->can_sign) << "the private half of a retired key is gone";
  ASSERT_TRUE(acts::revoke(*change, Algorithm::es256, first, kNow));
  EXPECT_EQ(keys_of(ring).verifying->keys().size(), 1u);
}

}  // namespace
}  // namespace sallyport::jose
