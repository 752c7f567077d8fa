// The folder of own keys: its first filling, rotation, refusals, and a process that dies at each step of a
// change.
#include "auth/jose/key_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <thread>

namespace {

constexpr int kDied = 77;
int steps_to_live = 0;  // 0: for ever

// A step that the disk would remember. The process is gone before the last one is done.
void step() {
  if (steps_to_live > 0 && --steps_to_live == 0) ::_exit(kDied);
}

}  // namespace

// In place of the C library's for this program: the deaths of the tests below happen here.
extern "C" int fsync(int fd) {
  step();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, 0));
}
extern "C" int unlinkat(int folder, const char* name, int flags) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_unlinkat, folder, name, flags));
}

namespace sallyport::jose {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

UnixSeconds at(int seconds) { return UnixSeconds(std::chrono::seconds(1'700'000'000 + seconds)); }

class KeyDirectoryTest : public testing::Test {
 protected:
  KeyDirectoryTest() {
    std::string pattern = (fs::temp_directory_path() / "key_directory_XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    path_ = root_ / "keys";
  }
  ~KeyDirectoryTest() override {
    std::error_code ec;
    fs::remove_all(root_, ec);
  }

  KeyDirectory keys(Algorithm algorithm = Algorithm::es256) const { return {path_.string(), algorithm}; }
  OwnKeys opened(Algorithm algorithm = Algorithm::es256, int second = 0) const {
    auto result = keys(algorithm).open(at(second));
    if (!result) throw std::runtime_error(result.error());
    return *result;
  }
  std::string problem(Algorithm algorithm = Algorithm::es256) const {
    const auto result = keys(algorithm).open(at(0));
    return result ? "none" : result.error();
  }

  void put(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    std::ofstream(path_ / name) << text;
    ::chmod((path_ / name).c_str(), mode);
  }
  std::string content(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path_ / name).rdbuf();
    return out.str();
  }
  mode_t mode(const fs::path& path) const {
    struct stat found{};
    return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777u : 0;
  }
  std::set<std::string> files(std::string_view containing = "") const {
    std::set<std::string> result;
    for (const auto& entry : fs::directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      if (name.find(containing) != std::string::npos) result.insert(name);
    }
    return result;
  }

  fs::path root_, path_;
};

std::vector<std::string> refresh_ids(const std::vector<MacKey>& keys) {
  std::vector<std::string> ids;
  for (const MacKey& key : keys) ids.push_back(key.id);
  return ids;
}

std::vector<std::string> key_ids(const KeySet& set) {
  std::vector<std::string> ids;
  for (const Key& key : set.keys()) ids.push_back(key.id);
  return ids;
}

// In a process of its own, where it may die: its exit code.
int in_child(const std::function<int()>& act) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(act());
  int status = -1;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(KeyDirectoryTest, FillsAFolderThatIsNotThere) {
  const OwnKeys own = opened();
  ASSERT_TRUE(own.signing);
  EXPECT_TRUE(own.signing->can_sign);
  EXPECT_EQ(own.signing->algorithm, Algorithm::es256);
  EXPECT_THAT(key_ids(*own.verifying), ElementsAre(own.signing->id));
  ASSERT_EQ(own.refresh.size(), 1u);
  EXPECT_EQ(own.refresh[0].id.size(), 8u);
  EXPECT_EQ(own.refresh[0].secret.size(), 32u);

  const std::string pem = own.signing->id + ".pem", mac = "refresh-" + own.refresh[0].id + ".key";
  EXPECT_EQ(files(), (std::set<std::string>{".lock", "state.json", pem, mac}));
  EXPECT_EQ(mode(path_), 0700u);
  for (const std::string& name : files()) EXPECT_EQ(mode(path_ / name), 0600u) << name;
  EXPECT_THAT(content("state.json"), testing::Not(HasSubstr(std::string(own.refresh[0].secret.reveal()))));
}

TEST_F(KeyDirectoryTest, GivesTheSameKeysAgain) {
  const OwnKeys first = opened(), second = opened(Algorithm::es256, 100);
  EXPECT_EQ(first.signing->id, second.signing->id);
  EXPECT_EQ(private_pem(*first.signing), private_pem(*second.signing));
  ASSERT_EQ(second.refresh.size(), 1u);
  EXPECT_EQ(first.refresh[0].id, second.refresh[0].id);
  EXPECT_TRUE(first.refresh[0].secret.equals(second.refresh[0].secret.reveal()));
}

TEST_F(KeyDirectoryTest, WritesNothingWhenNothingIsMissing) {
  opened();
  fs::remove(path_ / ".lock");  // taken for changes only, so it isn't made again
  opened();
  EXPECT_FALSE(fs::exists(path_ / ".lock"));
}

TEST_F(KeyDirectoryTest, IsFilledOnceByProcessesThatStartTogether) {
  constexpr int kProcesses = 6;
  int start[2], answers[2];
  ASSERT_EQ(::pipe(start), 0);
  ASSERT_EQ(::pipe(answers), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(start[1]);
      char byte;
      while (::read(start[0], &byte, 1) > 0) {
      }
      auto own = keys().open(at(0));
      if (!own || own->refresh.size() != 1) ::_exit(1);
      const std::string line = own->signing->id + " " + own->refresh[0].id + "\n";  // one write: not torn
      ::_exit(::write(answers[1], line.data(), line.size()) == static_cast<ssize_t>(line.size()) ? 0 : 1);
    }
    children.push_back(pid);
  }
  ::close(start[0]);
  ::close(start[1]);  // end of file is the shot
  ::close(answers[1]);
  std::string text;
  std::array<char, 512> buffer;
  for (ssize_t n; (n = ::read(answers[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(answers[0]);
  for (const pid_t pid : children) {
    int status = -1;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  std::istringstream lines(text);
  std::set<std::string> sets;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) sets.insert(line);
  EXPECT_EQ(count, kProcesses);
  EXPECT_EQ(sets.size(), 1u) << text;
  EXPECT_EQ(files(".pem").size(), 1u);
  EXPECT_EQ(files(".key").size(), 1u);
}

// Key rotation: the old key goes on verifying, removal takes effect at once (SECURITY, key rotation).
TEST_F(KeyDirectoryTest, KeepsTheOldKeyVerifyingAfterARotation) {
  const OwnKeys before = opened();
  const auto id = keys().rotate(at(50));
  ASSERT_TRUE(id) << id.error();
  const OwnKeys after = opened();
  EXPECT_EQ(after.signing->id, *id);
  EXPECT_THAT(key_ids(*after.verifying), ElementsAre(*id, before.signing->id));
  EXPECT_FALSE(after.verifying->find(before.signing->id, Algorithm::es256)->can_sign);
  EXPECT_THAT(content(before.signing->id + ".pem"), testing::Not(HasSubstr("PRIVATE")));
  EXPECT_THAT(refresh_ids(after.refresh), ElementsAre(before.refresh[0].id));
}

TEST_F(KeyDirectoryTest, PutsTheNewestRefreshKeyFirst) {
  const OwnKeys before = opened();
  const auto second = keys().rotate_refresh(at(1)), third = keys().rotate_refresh(at(1));
  ASSERT_TRUE(second && third);
  const OwnKeys after = opened();
  EXPECT_THAT(refresh_ids(after.refresh), ElementsAre(*third, *second, before.refresh[0].id));
  EXPECT_EQ(after.signing->id, before.signing->id);
}

TEST_F(KeyDirectoryTest, ListsKeysWithTheirTimes) {
  const OwnKeys own = opened();
  const auto id = keys().rotate(at(50));
  ASSERT_TRUE(id);
  const auto infos = keys().list();
  ASSERT_TRUE(infos) << infos.error();
  ASSERT_EQ(infos->size(), 3u);
  const KeyInfo &newest = (*infos)[0], &refresh = (*infos)[1], &oldest = (*infos)[2];
  EXPECT_EQ(newest.id, *id);
  EXPECT_EQ(newest.kind, "ES256");
  EXPECT_EQ(newest.state, "current");
  EXPECT_EQ(newest.created, at(50));
  EXPECT_FALSE(newest.retired);
  EXPECT_EQ(refresh.kind, "refresh");
  EXPECT_EQ(oldest.id, own.signing->id);
  EXPECT_EQ(oldest.state, "retired");
  EXPECT_EQ(oldest.created, at(0));
  EXPECT_EQ(oldest.retired, at(50));
}

TEST_F(KeyDirectoryTest, ForgetsARevokedKey) {
  const OwnKeys before = opened();
  ASSERT_TRUE(keys().rotate(at(1)));
  const auto removed = keys().revoke(before.signing->id, at(0));
  ASSERT_TRUE(removed) << removed.error();
  EXPECT_EQ(opened().verifying->find(before.signing->id, Algorithm::es256), nullptr);
  EXPECT_FALSE(fs::exists(path_ / (before.signing->id + ".pem")));
}

TEST_F(KeyDirectoryTest, ReplacesARevokedCurrentKeyAtTheNextOpen) {
  const OwnKeys before = opened();
  ASSERT_TRUE(keys().revoke(before.signing->id, at(0)));
  ASSERT_TRUE(keys().revoke(before.refresh[0].id, at(0)));
  const OwnKeys after = opened();
  EXPECT_NE(after.signing->id, before.signing->id);
  EXPECT_THAT(key_ids(*after.verifying), ElementsAre(after.signing->id));
  ASSERT_EQ(after.refresh.size(), 1u);
  EXPECT_NE(after.refresh[0].id, before.refresh[0].id);
}

TEST_F(KeyDirectoryTest, RefusesToRevokeWhatItDoesNotHave) {
  opened();
  const auto before = files();
  for (const char* id : {"", "nobody", "../keys/state", "state.json", ".", "/etc/passwd"}) {
    const auto removed = keys().revoke(id, at(0));
    ASSERT_FALSE(removed) << id;
    EXPECT_THAT(removed.error(), HasSubstr("no such key")) << id;
  }
  EXPECT_EQ(files(), before);
}

TEST_F(KeyDirectoryTest, MakesANewCurrentKeyForAnotherAlgorithm) {
  const OwnKeys before = opened();
  for (const Algorithm algorithm : {Algorithm::eddsa, Algorithm::rs256}) {
    const OwnKeys after = opened(algorithm, 10);
    EXPECT_EQ(after.signing->algorithm, algorithm);
    EXPECT_NE(after.verifying->find(before.signing->id, Algorithm::es256), nullptr);
    EXPECT_EQ(opened(algorithm).signing->id, after.signing->id);
  }
  EXPECT_EQ(opened(Algorithm::rs256).verifying->keys().size(), 3u);
}

TEST_F(KeyDirectoryTest, KeepsRefreshKeysAloneForASymmetricAlgorithm) {
  auto directory = keys(Algorithm::hs256);
  const auto first = directory.open_refresh_only(at(0)), second = directory.open_refresh_only(at(1));
  ASSERT_TRUE(first && second);
  ASSERT_EQ(first->size(), 1u);
  EXPECT_THAT(refresh_ids(*second), ElementsAre((*first)[0].id));
  EXPECT_TRUE(files(".pem").empty());
  EXPECT_THAT(problem(Algorithm::hs256), HasSubstr("tokens.signing.secret"));
  const auto rotated = directory.rotate(at(2));
  ASSERT_FALSE(rotated);
  EXPECT_THAT(rotated.error(), HasSubstr("tokens.signing.secret"));
  EXPECT_THAT(refresh_ids(opened().refresh), ElementsAre((*first)[0].id));
}

TEST_F(KeyDirectoryTest, AsksForTheFolderAbove) {
  path_ = root_ / "missing" / "keys";
  EXPECT_THAT(problem(), HasSubstr("the folder above it doesn't exist"));
}

TEST_F(KeyDirectoryTest, RefusesWhatIsNotADirectory) {
  std::ofstream(path_.string()) << "text";
  EXPECT_THAT(problem(), HasSubstr("is not a directory"));
}

TEST_F(KeyDirectoryTest, MakesNothingToListOrRevoke) {
  const auto infos = keys().list();
  ASSERT_FALSE(infos);
  EXPECT_THAT(infos.error(), HasSubstr("no keys in"));
  EXPECT_FALSE(keys().revoke("nobody", at(0)));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(KeyDirectoryTest, RefusesFilesThatOthersCanReachAndTellsTheWayOut) {
  const OwnKeys own = opened();
  const struct {
    const char* name;
    fs::path path;
    mode_t bad, good;
  } rows[] = {
      {"private key for the group", path_ / (own.signing->id + ".pem"), 0640, 0600},
      {"private key for the world", path_ / (own.signing->id + ".pem"), 0604, 0600},
      {"MAC key for the group", path_ / ("refresh-" + own.refresh[0].id + ".key"), 0640, 0600},
      {"state that others change", path_ / "state.json", 0620, 0600},
      {"folder that others change", path_, 0770, 0700},
  };
  for (const auto& row : rows) {
    ::chmod(row.path.c_str(), row.bad);
    std::ostringstream command;
    command << "chmod " << std::oct << row.good << " " << row.path.string();
    EXPECT_THAT(problem(), HasSubstr(command.str())) << row.name;
    ::chmod(row.path.c_str(), row.good);
    EXPECT_EQ(problem(), "none") << row.name;
  }
}

TEST_F(KeyDirectoryTest, NamesTheFileThatIsGarbage) {
  const OwnKeys own = opened();
  const std::string pem = own.signing->id + ".pem", mac = "refresh-" + own.refresh[0].id + ".key";
  const std::string other = private_pem(*generate_key(Algorithm::es256));
  const struct {
    const char* name;
    std::string file, text, message;
  } rows[] = {
      {"no PEM", pem, "garbage\n", pem},
      {"empty", pem, "", pem},
      {"another key", pem, other, "another key than its name says"},
      {"too large", pem, std::string(100'000, 'x'), "larger than"},
      {"short MAC key", mac, "AAAA", "sallyport keys revoke -- " + own.refresh[0].id},
      {"MAC key of other characters", mac, std::string(43, '!'), mac},
  };
  for (const auto& row : rows) {
    const std::string good = content(row.file);
    put(row.file, row.text);
    EXPECT_THAT(problem(), HasSubstr(row.message)) << row.name;
    put(row.file, good);
    EXPECT_EQ(problem(), "none") << row.name;
  }
  put("notes.txt", "an operator's own file", 0644);
  EXPECT_EQ(problem(), "none");
}

TEST_F(KeyDirectoryTest, RefusesAKeyThatIsALinkOrAFolder) {
  const OwnKeys own = opened();
  const fs::path pem = path_ / (own.signing->id + ".pem");
  fs::rename(pem, root_ / "elsewhere.pem");
  fs::create_symlink(root_ / "elsewhere.pem", pem);
  EXPECT_THAT(problem(), HasSubstr(pem.string()));
  fs::remove(pem);
  fs::create_directory(pem);
  EXPECT_THAT(problem(), HasSubstr("is not a regular file"));
}

TEST_F(KeyDirectoryTest, RefusesADamagedStateAndLeavesTheKeysAlone) {
  const OwnKeys own = opened();
  const std::string good = content("state.json");
  const auto before = files();
  const std::string id = own.signing->id;
  const auto one = [](const std::string& entry) { return R"({"version":1,"keys":[)" + entry + "]}"; };
  const auto entry = [](const std::string& key_id, const std::string& rest) {
    return R"({"id":")" + key_id + R"(",)" + rest + "}";
  };
  const std::string fine = R"("kind":"ES256","state":"current","created":1)";
  const struct {
    const char* name;
    std::string text;
  } rows[] = {
      {"empty", ""},
      {"torn", good.substr(0, good.size() / 2)},
      {"zeros", std::string(good.size(), '\0')},
      {"bytes behind", good + "}"},
      {"a list", "[]"},
      {"another version", R"({"version":2,"keys":[]})"},
      {"a member that we don't know", R"({"version":1,"keys":[],"more":1})"},
      {"a duplicate member", R"({"version":1,"version":1,"keys":[]})"},
      {"an id that is a path", one(entry("../x", fine))},
      {"the same id twice", one(entry(id, fine) + "," + entry(id, fine))},
      {"two current keys", one(entry(id, fine) + "," + entry("other", fine))},
      {"an unknown algorithm", one(entry(id, R"("kind":"none","state":"current","created":1)"))},
      {"a symmetric algorithm", one(entry(id, R"("kind":"HS256","state":"current","created":1)"))},
      {"an unknown state", one(entry(id, R"("kind":"ES256","state":"lost","created":1)"))},
      {"retired without a time", one(entry(id, R"("kind":"ES256","state":"retired","created":1)"))},
      {"a time that is a text", one(entry(id, R"("kind":"ES256","state":"current","created":"1")"))},
      {"a refresh id of 9", one(entry("123456789", R"("kind":"refresh","state":"current","created":1)"))},
  };
  for (const auto& row : rows) {
    put("state.json", row.text);
    EXPECT_THAT(problem(), HasSubstr("state.json is damaged")) << row.name;
    EXPECT_FALSE(keys().rotate(at(1))) << row.name;
    EXPECT_FALSE(keys().list()) << row.name;
  }
  EXPECT_EQ(files(), before);
  put("state.json", good);
  EXPECT_EQ(opened().signing->id, id);
}

// New keys in the place of lost ones would log everybody out without a word.
TEST_F(KeyDirectoryTest, RefusesKeysWithoutTheirState) {
  opened();
  fs::remove(path_ / "state.json");
  EXPECT_THAT(problem(), HasSubstr("no state.json"));
}

TEST_F(KeyDirectoryTest, SweepsWhatAnInterruptedWriteLeft) {
  const OwnKeys own = opened();
  put(".tmp-state.json", "{\"version\":1,\"ke");
  put(".tmp-half.pem", "-----BEGIN PRIV");
  EXPECT_EQ(opened().signing->id, own.signing->id);
  ASSERT_TRUE(keys().rotate(at(1)));
  EXPECT_TRUE(files(".tmp-").empty());
}

TEST_F(KeyDirectoryTest, StopsAtAKnownNumberOfKeys) {
  opened();
  KeyResult<std::string> last{boost::system::in_place_value, "none"};
  int made = 0;
  for (; made < 200 && last; ++made) last = keys().rotate_refresh(at(made));
  ASSERT_FALSE(last);
  EXPECT_EQ(made, 127);  // with the two of the first filling 128; the last one was refused
  EXPECT_THAT(last.error(), HasSubstr("sallyport keys revoke"));
  EXPECT_EQ(problem(), "none");
}

// Runs `act` in processes that die before their first, second, ... step on the disk, until one lives to its
// end. After each death `judge` looks at the folder, which `prepare` has made.
void die_everywhere(const std::function<void()>& prepare, const std::function<bool()>& act,
                    const std::function<void(int)>& judge) {
  for (int death = 1; death < 100; ++death) {
    prepare();
    const int code = in_child([&] {
      steps_to_live = death;
      return act() ? 0 : 1;
    });
    judge(death);
    if (code == 0) {
      EXPECT_GT(death, 4);  // it did die before
      return;
    }
    ASSERT_EQ(code, kDied) << "step " << death;
  }
  FAIL() << "never came to its end";
}

TEST_F(KeyDirectoryTest, LoadsAfterADeathAtAnyStepOfTheFirstFilling) {
  die_everywhere([&] { fs::remove_all(path_); }, [&] { return keys().open(at(0)).has_value(); },
                 [&](int death) {
                   ASSERT_EQ(problem(), "none") << "step " << death;
                   EXPECT_EQ(opened().refresh.size(), 1u) << "step " << death;
                   EXPECT_TRUE(files(".tmp-").empty()) << "step " << death;
                 });
}

TEST_F(KeyDirectoryTest, KeepsTheOldKeyAfterADeathAtAnyStepOfARotation) {
  std::string old;
  die_everywhere(
      [&] {
        fs::remove_all(path_);
        old = opened().signing->id;
      },
      [&] { return keys().rotate(at(1)).has_value(); },
      [&](int death) {
        ASSERT_EQ(problem(), "none") << "step " << death;
        const OwnKeys own = opened();
        EXPECT_NE(own.verifying->find(old, Algorithm::es256), nullptr) << "step " << death;
        const auto next = keys().rotate(at(2));
        ASSERT_TRUE(next) << "step " << death << ": " << next.error();
        EXPECT_NE(opened().verifying->find(old, Algorithm::es256), nullptr) << "step " << death;
        EXPECT_THAT(content(old + ".pem"), testing::Not(HasSubstr("PRIVATE"))) << "step " << death;
        EXPECT_TRUE(files(".tmp-").empty()) << "step " << death;
      });
}

TEST_F(KeyDirectoryTest, FinishesARevocationThatDiedAtAnyStep) {
  std::string old;
  die_everywhere(
      [&] {
        fs::remove_all(path_);
        old = opened().signing->id;
        ASSERT_TRUE(keys().rotate(at(1)));
      },
      [&] { return keys().revoke(old, at(0)).has_value(); },
      [&](int death) {
        ASSERT_EQ(problem(), "none") << "step " << death;
        (void)keys().revoke(
            old, at(0));  // what an operator does who saw no success; "no such key" where it was done
        EXPECT_EQ(opened().verifying->find(old, Algorithm::es256), nullptr) << "step " << death;
        EXPECT_FALSE(fs::exists(path_ / (old + ".pem"))) << "step " << death;
      });
}

// Another thread holds the lock in a descriptor of its own: flock parts these too.
TEST_F(KeyDirectoryTest, LosesNoRotationAmongThreads) {
  opened();
  std::vector<std::thread> threads;
  std::array<bool, 4> fine{};
  for (std::size_t i = 0; i < fine.size(); ++i)
    threads.emplace_back([this, i, &fine] {
      bool good = true;
      for (int n = 0; n < 5; ++n)
        good = good && keys().rotate_refresh(at(n)).has_value() && keys().open(at(n)).has_value();
      fine[i] = good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(fine, testing::Each(true));
  EXPECT_EQ(opened().refresh.size(), 21u);
}

}  // namespace
}  // namespace sallyport::jose
