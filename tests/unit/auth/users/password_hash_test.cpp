// Passwords: known answers of other implementations, and the texts that must not be hashed (SECURITY S10).
#include "auth/users/password_hash.hpp"

#include <gtest/gtest.h>

#include "auth/users/foreign_hash.hpp"

namespace sallyport::users {
namespace {

using config::Secret;

struct Known {
  const char* name;
  const char* password;
  const char* hash;
};

// S1.30, S2.5: users of other systems move here with their hashes.
const Known kKnown[] = {
    // argon2's own test.c
    {"Argon2id64MiB", "password",
     "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
    // crypt_blowfish's wrapper.c
    {"Bcrypt2a", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"Bcrypt2b", "my password", "$2b$05$qnZba8lCXL55A8ZuHliknuSsP00/eFGawxeS33iJOYQXy4xw.zPVq"},
    // Drepper's specification of sha256-crypt and sha512-crypt
    {"Sha256Crypt", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
    {"Sha512Crypt", "Hello world!",
     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
    {"Yescrypt", "my password", "$y$j75$saltsaltsalt$ATuf9a9uM6FHzlvZN0k5.5peI6tyraX.fO997oJbcJ2"},
    // passlib's documentation
    {"PasslibPbkdf2Sha256", "password",
     "$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44"},
    // the rest: made with Python's hashlib
    {"PhcPbkdf2Sha512", "my password",
     "$pbkdf2-sha512$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$b/x1o4++5NrL/tkumM9z3jSTGOp21eOx09futmFebe8"},
    {"DjangoPbkdf2Sha256", "my password",
     "pbkdf2_sha256$1000$seasalt$0sbGKyZQDs/ydSj8NelV8zXbLy7kFmTJna/wWCoI8Gs="},
    {"IdentityV2", "my password", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="},
    {"IdentityV3Sha1", "my password",
     "AQAAAAAAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+E3TETUwoQmiO48tDhqLkQKZxbwed9LnUTfWW8zA1AOA=="},
    {"IdentityV3Sha256", "my password",
     "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=="},
    {"IdentityV3Sha512", "my password",
     "AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg/Q8A0WMKbtHQJQ2DHCdoEeeFBrgNlldq6vH4qX/CGqGQ=="},
};

class KnownHash : public testing::TestWithParam<Known> {};

TEST_P(KnownHash, FitsItsPasswordAndNoOther) {
  const std::string hash = GetParam().hash;
  EXPECT_TRUE(known_hash(hash));
  EXPECT_TRUE(verify_password(Secret(GetParam().password), hash));
  EXPECT_FALSE(verify_password(Secret(std::string(GetParam().password) + "x"), hash));
  EXPECT_FALSE(verify_password(Secret("My password"), hash));
}

TEST_P(KnownHash, FitsNoMoreWhenItsLastCharactersAreOther) {
  std::string hash = GetParam().hash;
  hash.replace(hash.size() - 6, 3, hash.substr(hash.size() - 6, 3) == "abc" ? "xyz" : "abc");
  EXPECT_FALSE(verify_password(Secret(GetParam().password), hash));
}

TEST_P(KnownHash, FitsNoMoreWhenCutAnywhere) {
  const std::string hash = GetParam().hash;
  // Every cut of the envelope; a cut of an expensive tail would only cost time.
  for (std::size_t n = 0; n < 24; ++n)
    EXPECT_FALSE(verify_password(Secret(GetParam().password), hash.substr(0, n))) << n;
}

INSTANTIATE_TEST_SUITE_P(PasswordHash, KnownHash, testing::ValuesIn(kKnown),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(PasswordHash, MakesArgon2idOfOurCostThatFits) {
  const Secret password("correct horse battery staple");
  const Salt salt{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  const std::string hash = hash_password(password, salt);
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$")) << hash;
  EXPECT_EQ(hash, hash_password(password, salt));
  EXPECT_TRUE(verify_password(password, hash));
  EXPECT_FALSE(verify_password(Secret("correct horse battery stable"), hash));
  EXPECT_FALSE(needs_upgrade(hash));
}

TEST(PasswordHash, DrawsAnotherSaltEachTime) { EXPECT_NE(random_salt(), random_salt()); }

TEST(PasswordHash, WantsEveryWeakerOrForeignHashReplaced) {
  for (const auto& known : kKnown) {
    if (std::string_view(known.name) == "Argon2id64MiB") continue;
    EXPECT_TRUE(needs_upgrade(known.hash)) << known.name;
  }
  EXPECT_FALSE(needs_upgrade(kKnown[0].hash));  // costs more than ours
  EXPECT_TRUE(
      needs_upgrade("$argon2id$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"));
  EXPECT_TRUE(needs_upgrade(
      "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"));
}

TEST(PasswordHash, RefusesWhatAnotherPasswordCouldBeTakenFor) {
  using namespace std::string_literals;
  EXPECT_FALSE(hashable(""));
  EXPECT_FALSE(hashable("pw\0"s));
  EXPECT_FALSE(hashable("pass\nword"));
  EXPECT_FALSE(hashable("pass\x7Fword"));
  EXPECT_FALSE(hashable("\xC3"));
  EXPECT_FALSE(hashable(std::string(129, 'x')));
  EXPECT_TRUE(hashable(std::string(128, 'x')));
  std::string keys;
  for (int i = 0; i < 128; ++i) keys += "\xF0\x9F\x94\x91";
  EXPECT_TRUE(hashable(keys));
  // "U*U" and "U*U\0": one for crypt(3) and for PBKDF2-HMAC.
  EXPECT_FALSE(verify_password(Secret("U*U\0"s), kKnown[1].hash));
}

TEST(PasswordHash, LetsNoHashInTheStoreHoldAThreadForHours) {
  const Secret password("password");
  for (const char* hash : {
           "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
           "$argon2id$v=19$m=65536,t=4000000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
           "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
           "$6$rounds=999999999$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO",
           "$pbkdf2-sha256$4000000000$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44",
       }) {
    EXPECT_FALSE(verify_password(password, hash)) << hash;
  }
}

TEST(PasswordHash, FitsNothingToAHashOfNoKind) {
  for (const char* hash :
       {"", "password", "$", "$argon2id$", "$2b$", "$1$", "5f4dcc3b5aa765d61d8327deb882cf99", "*", "!",
        "AAAA", "$pbkdf2", "pbkdf2_md5$1$a$b"}) {
    EXPECT_FALSE(known_hash(hash)) << hash;
    EXPECT_FALSE(verify_password(Secret("password"), hash)) << hash;
  }
}

TEST(PasswordHash, HasADummyOfOurCostThatFitsNothing) {
  EXPECT_FALSE(needs_upgrade(dummy_hash()));
  EXPECT_TRUE(known_hash(dummy_hash()));
  EXPECT_FALSE(verify_password(Secret("password"), dummy_hash()));
}

}  // namespace
}  // namespace sallyport::users
