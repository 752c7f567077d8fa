// What open_sqlite says where the file can't be ours: each message names the file and the way out.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/auth/stores/sqlite/fixture.hpp"

namespace sallyport::stores {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using OpenSqlite = SqliteStore;

TEST_F(OpenSqlite, MakesAFileThatOnlyItsOwnerReads) {
  open();
  login("user-1");
  struct stat status{};
  for (const char* suffix : {"", "-wal"}) {
    ASSERT_EQ(::stat((options_.path + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777u, 0600u) << suffix;
  }
}

TEST_F(OpenSqlite, NamesTheFolderThatIsMissing) {
  options_.path = (folder_ / "missing" / "state.db").string();
  EXPECT_THAT(refusal(), AllOf(HasSubstr(options_.path), HasSubstr("does not exist: create it")));
}

TEST_F(OpenSqlite, SaysThatTheFolderIsAFile) {
  std::ofstream(folder_ / "file") << "x";
  options_.path = (folder_ / "file" / "state.db").string();
  EXPECT_THAT(refusal(), AllOf(HasSubstr(options_.path), HasSubstr("is no folder")));
}

TEST_F(OpenSqlite, SaysThatThePathIsAFolder) {
  options_.path = folder_.string();
  EXPECT_THAT(refusal(), AllOf(HasSubstr(options_.path), HasSubstr("that is a folder")));
}

TEST_F(OpenSqlite, SaysThatThePathIsEmpty) {
  options_.path.clear();
  EXPECT_THAT(refusal(), HasSubstr("the path is empty"));
}

TEST_F(OpenSqlite, SaysThatTheFileIsDamaged) {
  std::ofstream(options_.path) << std::string(8192, 'x');
  EXPECT_THAT(refusal(), AllOf(HasSubstr(options_.path), HasSubstr("damaged"), HasSubstr("move it away")));
}

TEST_F(OpenSqlite, LeavesTheDatabaseOfAnotherProgramAlone) {
  sql("CREATE TABLE songs(title TEXT)");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(options_.path), HasSubstr("another program")));
  sql("INSERT INTO songs VALUES('still here')");
}

TEST_F(OpenSqlite, RefusesTheFileOfANewerRelease) {
  open();
  close();
  sql("PRAGMA user_version = 99");
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr(options_.path), HasSubstr("newer Sallyport"), HasSubstr("schema 99")));
}

TEST_F(OpenSqlite, FailsAtOnceOnAFullDisk) {
  options_.max_pages = 4;  // SQLite then answers SQLITE_FULL, as it does for ENOSPC
  EXPECT_THAT(refusal(), AllOf(HasSubstr(options_.path), HasSubstr("disk is full")));
}

// Runs the open as a user without rights (the test may run as root, who may write anywhere).
std::string refusal_for_nobody(const SqliteOptions& options) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string message = "still root";
    if (::geteuid() != 0 || ::setuid(65534) == 0) {
      const auto opened = open_sqlite(options, config::Refresh{});
      message = opened ? "it opened" : opened.error();
    }
    const auto written = ::write(ends[1], message.data(), message.size());
    ::_exit(written < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string message;
  char piece[512];
  for (ssize_t n = 0; (n = ::read(ends[0], piece, sizeof piece)) > 0;)
    message.append(piece, static_cast<std::size_t>(n));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return message;
}

TEST_F(OpenSqlite, SaysThatAReadOnlyFileCantBeWritten) {
  open();
  close();
  ::chmod(folder_.c_str(), 0777);
  ::chmod(options_.path.c_str(), 0444);
  EXPECT_THAT(refusal_for_nobody(options_), AllOf(HasSubstr(options_.path), HasSubstr("Permission denied"),
                                                  HasSubstr("needs to read and write")));
}

TEST_F(OpenSqlite, SaysThatAReadOnlyFolderIsNotEnough) {
  open();
  close();
  ::chmod(options_.path.c_str(), 0666);
  ::chmod(folder_.c_str(), 0555);
  EXPECT_THAT(refusal_for_nobody(options_),
              AllOf(HasSubstr(options_.path), HasSubstr("folder"), HasSubstr("can't be written")));
  ::chmod(folder_.c_str(), 0700);
}

TEST_F(OpenSqlite, KeepsWhatWasWrittenBefore) {
  open();
  const auto session = login("user-1");
  const auto marker = ask(stores_.log->read("", 1, 0ms)).marker;
  close();
  open();
  EXPECT_TRUE(ask(stores_.sessions->load(session.id)).session);
  EXPECT_EQ(ask(stores_.log->read("", 1, 0ms)).marker, marker);
}

}  // namespace
}  // namespace sallyport::stores
