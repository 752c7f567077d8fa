// The one thread that owns the database: takes jobs from a bounded queue and answers on the executors they
// came from.
//
// Group commit: writes that wait together run in one transaction, each in a savepoint of its own, and share
// one sync of the disk. None is answered before that commit. Reads of the same round run first and wait for
// no sync; a caller awaits its write before it reads, so nobody can see the difference.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "auth/stores/sqlite/database.hpp"
#include "auth/stores/sqlite/key_ring_table.hpp"
#include "auth/stores/sqlite/log_table.hpp"
#include "auth/stores/sqlite/one_time_table.hpp"
#include "auth/stores/sqlite/session_table.hpp"
#include "auth/stores/sqlite/user_table.hpp"
#include "auth/time.hpp"

namespace sallyport::stores::sqlite {

// What a job works on.
struct Tables {
  Tables(Database& database, const config::Refresh& rules)
      : sessions(database, rules),
        users(database),
        attempts(database),
        one_time(database),
        log(database),
        keys(database) {}
  SessionTable sessions;
  UserTable users;
  AttemptTable attempts;
  OneTimeTable one_time;
  LogTable log;
  KeyRingTable keys;
  UnixMillis now{};       // the store's clock, read once per job
  bool log_grew = false;  // set by a job that appended: readers that wait are woken after the commit
};

// All but deliver() and the destructor is called on the store's thread only.
class Job {
 public:
  enum class Mode { read, write };
  Job(Mode mode, SteadyTime deadline) : mode_(mode), deadline_(deadline) {}
  virtual ~Job() = default;
  Mode mode() const { return mode_; }
  SteadyTime deadline() const { return deadline_; }  // not begun after it: the caller has given up by then

  virtual void run(Tables& tables) = 0;     // may run again after a rollback; throws Failure
  virtual void fail(StoreError error) = 0;  // instead of a result
  virtual void deliver() = 0;               // hands result or error to the caller
  // A read without a result that is worth an answer yet: look again when the log grew, at the latest then.
  virtual std::optional<SteadyTime> waits_until() const { return std::nullopt; }

 private:
  Mode mode_;
  SteadyTime deadline_;
};

class StoreThread {
 public:
  struct Rules {
    std::size_t queue = 4096;  // jobs waiting; over it the caller is told `overloaded`
    std::function<UnixMillis()> clock;
    std::chrono::milliseconds poll{
        50};  // how often to look for what other processes wrote, while somebody waits
    std::chrono::seconds purge_every{30};
  };
  struct Counters {
    std::uint64_t commits = 0;  // transactions that wrote
    std::uint64_t writes = 0;   // jobs in them
  };

  StoreThread(std::unique_ptr<Database> database, const config::Refresh& lifetimes, Rules rules);
  ~StoreThread();  // runs what was accepted, then ends; readers that wait get no answer

  // From any thread. false: the queue is full and nothing will happen.
  bool submit(std::shared_ptr<Job> job);
  const std::string& path() const { return path_; }
  Counters counters() const;

 private:
  using Jobs = std::vector<std::shared_ptr<Job>>;

  void loop();
  Jobs next_round();
  void serve(const Jobs& round);
  void serve_reads(const Jobs& reads);
  void serve_writes(const Jobs& writes);
  bool commit_together(const Jobs& writes);  // false: rolled back as a whole, without a result for anybody
  void commit_alone(Job& job);
  void run_one(Job& job);
  void roll_back();
  void answer_or_park(const std::shared_ptr<Job>& job);
  void look_again(bool grew);
  bool others_wrote();
  void purge();

  std::string path_;
  std::unique_ptr<Database> database_;
  Rules rules_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<Statement> data_version_;
  std::int64_t seen_version_ = 0;
  Jobs parked_;
  SteadyTime next_look_{};
  SteadyTime next_purge_{};

  mutable std::mutex mutex_;  // guards what stands below
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_ = false;
  Counters counters_;

  std::thread thread_;  // last: starts when all else stands
};

}  // namespace sallyport::stores::sqlite
