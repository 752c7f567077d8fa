// Records as Redis keeps them: there and back, and junk is junk.
#include <gtest/gtest.h>

#include "auth/stores/redis/event_record.hpp"
#include "auth/stores/redis/keys.hpp"
#include "auth/stores/redis/session_record.hpp"
#include "auth/stores/redis/user_record.hpp"

namespace sallyport::stores::redis {
namespace {

Reply text(std::string value) { return {Reply::Type::string, 0, std::move(value), {}}; }
Reply array(std::vector<Reply> elements) { return {Reply::Type::array, 0, {}, std::move(elements)}; }

std::vector<Reply> good_session() {
  std::vector<Reply> fields;
  for (const char* value : {"u1", "laptop", "192.0.2.1", "agent", "1000", "2000", "3000", "4", "3", "2", "9",
                            "ended", "reused", "7"})
    fields.push_back(text(value));
  return fields;
}

TEST(SessionRecord, ReadsEveryField) {
  const auto read = read_session({}, array(good_session()));
  ASSERT_TRUE(read.session);
  const auto& s = *read.session;
  EXPECT_EQ(s.user_id, "u1");
  EXPECT_EQ(s.rotated.time_since_epoch().count(), 3000);
  EXPECT_EQ(s.generation, 4u);
  EXPECT_EQ(s.confirmed, 3u);
  EXPECT_EQ(s.user_epoch, 2u);
  EXPECT_EQ(s.global_epoch, 7u);
  EXPECT_EQ(s.version, 9u);
  EXPECT_EQ(s.state, sessions::SessionState::ended);
  EXPECT_EQ(s.cause, sessions::EndCause::reused);
}

TEST(SessionRecord, IsNothingWhereNothingStands) {
  const auto read = read_session({}, array(std::vector<Reply>(14)));
  EXPECT_FALSE(read.junk);
  EXPECT_FALSE(read.session);
}

TEST(SessionRecord, IsJunkWithAnyFieldMissing) {
  for (std::size_t i = 0; i < 13; ++i) {
    auto fields = good_session();
    fields[i] = Reply{};
    EXPECT_TRUE(read_session({}, array(std::move(fields))).junk) << i;
  }
}

TEST(SessionRecord, OfAnEarlierReleaseBeganUnderTheEpochOfItsTime) {
  auto fields = good_session();
  fields[13] = Reply{};
  const auto read = read_session({}, array(std::move(fields)));
  ASSERT_TRUE(read.session);
  EXPECT_EQ(read.session->global_epoch, 1000u);
}

TEST(SessionRecord, IsJunkWithAFieldThatIsNoNumber) {
  for (std::size_t i = 4; i < 14; ++i) {
    auto fields = good_session();
    fields[i] = text("99999999999999999999x");
    EXPECT_TRUE(read_session({}, array(std::move(fields))).junk) << i;
  }
}

TEST(EventRecord, GoesThereAndBack) {
  revocation::Event event{.kind = revocation::Kind::user,
                          .issuer = std::string("https://i\0\r\n", 12),
                          .id = "u",
                          .until = UnixSeconds(std::chrono::seconds(1'700'000'000)),
                          .before = UnixSeconds(std::chrono::seconds(5)),
                          .epoch = 18'446'744'073'709'551'615u,
                          .reason = "admin"};
  std::vector<std::string> words;
  add_event_words(event, words);
  const char* names[] = {"kind", "issuer", "id", "until", "before", "epoch", "reason"};
  ASSERT_EQ(words.size(), std::size(names));
  std::vector<Reply> fields;
  for (std::size_t i = 0; i < words.size(); ++i) {
    fields.push_back(text(names[i]));
    fields.push_back(text(words[i]));
  }
  fields.push_back(text("of a later version"));
  fields.push_back(text("is left alone"));
  const auto entry = read_entry(array({text("12-3"), array(std::move(fields))}));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->cursor, "12-3");
  EXPECT_EQ(entry->event, event);
}

TEST(EventRecord, RefusesWhatIsNotOurs) {
  const auto entry = [](std::vector<Reply> fields) { return array({text("1-1"), array(std::move(fields))}); };
  EXPECT_FALSE(read_entry(text("x")));
  EXPECT_FALSE(read_entry(entry({})));
  EXPECT_FALSE(read_entry(entry({text("kind"), text("session")}))) << "no end";
  EXPECT_FALSE(read_entry(entry({text("kind"), text("sesssion"), text("until"), text("1")})));
  EXPECT_FALSE(read_entry(entry({text("kind"), text("session"), text("until"), text("soon")})));
  EXPECT_FALSE(read_entry(entry({text("kind"), text("session"), text("until")})));
  EXPECT_TRUE(read_entry(entry({text("kind"), text("session"), text("until"), text("1")})));
}

TEST(EventRecord, KnowsAPosition) {
  EXPECT_TRUE(is_cursor("0-0"));
  EXPECT_TRUE(is_cursor("1700000000000-18446744073709551615"));
  for (const char* bad : {"", "-", "1-", "-1", "1", "1-x", "+", "(1-1", "1-1 ", "18446744073709551616-0"})
    EXPECT_FALSE(is_cursor(bad)) << bad;
}

TEST(UserRecord, GoesThereAndBack) {
  users::User user;
  user.id = "id";
  user.name = "Ann";
  user.password_hash = "$argon2id$";
  user.email = "a@b";
  user.email_confirmed = true;
  user.roles = {"admin", "caf\xc3\xa9"};
  user.claims = {{"tenant", "x\"\n"}};
  user.profile = {{"first", "Ann"}};
  user.created = UnixMillis(std::chrono::milliseconds(1'700'000'000'123));
  const auto read = parse_user("id", "7", encode_user(user));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, user.name);
  EXPECT_EQ(read->password_hash, user.password_hash);
  EXPECT_TRUE(read->email_confirmed);
  EXPECT_FALSE(read->disabled);
  EXPECT_EQ(read->roles, user.roles);
  EXPECT_EQ(read->claims, user.claims);
  EXPECT_EQ(read->profile, user.profile);
  EXPECT_EQ(read->created, user.created);
  EXPECT_EQ(read->version, 7u);
}

TEST(UserRecord, RefusesJunkAndTheRecordOfAnother) {
  users::User user;
  user.id = "id";
  const auto good = encode_user(user);
  EXPECT_TRUE(parse_user("id", "0", good));
  EXPECT_FALSE(parse_user("another", "0", good));
  EXPECT_FALSE(parse_user("id", "x", good));
  EXPECT_FALSE(parse_user("id", "0", "{}"));
  EXPECT_FALSE(parse_user("id", "0", "[]"));
  EXPECT_FALSE(parse_user("id", "0", good.substr(1)));
}

TEST(Keys, ShareTheUsersHashTag) {
  const Keys keys("p:");
  sessions::SessionId id;
  id.bytes[0] = 0xab;
  const std::string tag = "p:{ab00000000000000}:";
  EXPECT_EQ(keys.session(id), tag + "s:" + id.text());
  EXPECT_EQ(keys.session_index(Keys::tag_of(id)), tag + "sessions");
  EXPECT_EQ(keys.epoch(Keys::tag_of(id)), tag + "epoch");
}

TEST(Keys, OfAttemptsHaveOneLengthWhateverStrangersType) {
  const Keys keys("p:");
  EXPECT_EQ(keys.attempts("a").size(), keys.attempts(std::string(100'000, 'x')).size());
  EXPECT_NE(keys.attempts("a"), keys.attempts("b"));
}

}  // namespace
}  // namespace sallyport::stores::redis
