#include "auth/stores/sqlite/store_thread.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace sallyport::stores::sqlite {
namespace {

constexpr std::size_t kRound = 256;      // jobs of one transaction: bounds how long the first of them waits
constexpr std::size_t kPurgeRows = 200;  // of each table and time: a purge never holds up a login
constexpr std::size_t kPurgePage = 100;

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

StoreThread::StoreThread(std::unique_ptr<Database> database, const config::Refresh& lifetimes, Rules rules)
    : path_(database->path()),
      database_(std::move(database)),
      rules_(std::move(rules)),
      tables_(std::make_unique<Tables>(*database_, lifetimes)),
      data_version_(std::make_unique<Statement>(*database_, "PRAGMA data_version")),
      next_purge_(steady_now() + rules_.purge_every),
      thread_([this] { loop(); }) {}

StoreThread::~StoreThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool StoreThread::submit(std::shared_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= rules_.queue) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

StoreThread::Counters StoreThread::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void StoreThread::loop() {
  for (;;) {
    const Jobs round = next_round();
    if (round.empty()) {
      const std::lock_guard lock(mutex_);
      if (stopping_ && queue_.empty()) return;
    }
    tables_->log_grew = false;
    serve(round);
    look_again(tables_->log_grew);
    if (steady_now() >= next_purge_) purge();
  }
}

// Waits for work; with readers waiting, at most until the next look at the file. An empty round is such a
// look.
StoreThread::Jobs StoreThread::next_round() {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return stopping_ || !queue_.empty(); };
  if (parked_.empty()) {
    wake_.wait(lock, ready);
  } else {
    auto until = next_look_;
    for (const auto& job : parked_) until = std::min(until, job->waits_until().value_or(until));
    wake_.wait_until(lock, until, ready);
  }
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(kRound, queue_.size()));
  Jobs round(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  return round;
}

void StoreThread::serve(const Jobs& round) {
  Jobs reads, writes;
  const auto now = steady_now();
  for (const auto& job : round) {
    if (now > job->deadline()) {
      job->fail({StoreError::Kind::timeout, "store sqlite:" + path_ + ": too busy to begin in time"});
      job->deliver();
    } else {
      (job->mode() == Job::Mode::read ? reads : writes).push_back(job);
    }
  }
  if (!reads.empty()) serve_reads(reads);
  if (!writes.empty()) serve_writes(writes);
}

void StoreThread::run_one(Job& job) {
  tables_->now = rules_.clock();
  job.run(*tables_);
}

void StoreThread::roll_back() {
  if (!database_->in_transaction()) return;  // SQLite did it by itself
  try {
    database_->execute("ROLLBACK");
  } catch (const Failure&) {
    // Only fails where nothing is left to roll back.
  }
}

void StoreThread::serve_reads(const Jobs& reads) {
  if (parked_.empty())
    others_wrote();  // before the reads: what is written from now on counts as news for those that will wait
  for (const auto& job : reads) {
    try {
      database_->execute("BEGIN");  // several statements of one job see one state
      run_one(*job);
      database_->execute("COMMIT");
    } catch (const Failure& failure) {
      roll_back();
      job->fail(to_store_error(failure, path_, false));
    } catch (const std::exception& error) {
      roll_back();
      job->fail({StoreError::Kind::refused, "store sqlite:" + path_ + ": " + error.what()});
    }
    answer_or_park(job);
  }
}

void StoreThread::serve_writes(const Jobs& writes) {
  if (database_->file_moved()) {
    // What we write would be in a file that nobody finds again.
    const Failure moved(SQLITE_READONLY_DBMOVED, "the file moved");
    for (const auto& job : writes) job->fail(to_store_error(moved, path_, false));
  } else if (writes.size() == 1 || !commit_together(writes)) {
    for (const auto& job : writes) commit_alone(*job);
  }
  for (const auto& job : writes) job->deliver();
}

bool StoreThread::commit_together(const Jobs& writes) {
  try {
    database_->execute("BEGIN IMMEDIATE");
  } catch (const Failure& failure) {
    for (const auto& job : writes) job->fail(to_store_error(failure, path_, false));
    return true;
  }
  try {
    for (const auto& job : writes) {
      database_->execute("SAVEPOINT job");
      try {
        run_one(*job);
      } catch (const std::exception& error) {
        if (!database_->in_transaction()) return false;  // a full disk takes the whole transaction with it
        const auto* failure = dynamic_cast<const Failure*>(&error);
        job->fail(failure != nullptr
                      ? to_store_error(*failure, path_, false)
                      : StoreError{StoreError::Kind::refused, "store sqlite:" + path_ + ": " + error.what()});
        database_->execute("ROLLBACK TO job");
      }
      database_->execute("RELEASE job");
    }
    database_->execute("COMMIT");
  } catch (const Failure& failure) {
    roll_back();
    if (failure.primary() == SQLITE_FULL)
      return false;  // smaller transactions may still fit: a logout needs no new page
    for (const auto& job : writes) job->fail(to_store_error(failure, path_, true));
    return true;
  }
  const std::lock_guard lock(mutex_);
  ++counters_.commits;
  counters_.writes += writes.size();
  return true;
}

void StoreThread::commit_alone(Job& job) {
  bool committing = false;
  try {
    database_->execute("BEGIN IMMEDIATE");
    run_one(job);
    committing = true;
    database_->execute("COMMIT");
    const std::lock_guard lock(mutex_);
    ++counters_.commits;
    ++counters_.writes;
  } catch (const Failure& failure) {
    roll_back();
    job.fail(to_store_error(failure, path_, committing));
  } catch (const std::exception& error) {
    roll_back();
    job.fail({StoreError::Kind::refused, "store sqlite:" + path_ + ": " + error.what()});
  }
}

void StoreThread::answer_or_park(const std::shared_ptr<Job>& job) {
  const auto until = job->waits_until();
  if (!until || *until <= steady_now()) {
    job->deliver();
    return;
  }
  if (parked_.empty()) next_look_ = steady_now();
  parked_.push_back(job);
}

// SQLite's own word on whether another connection changed the file; our own commits don't count.
bool StoreThread::others_wrote() {
  std::int64_t version = seen_version_;
  try {
    Rows rows = data_version_->query();
    if (rows.next()) version = rows.integer(0);
  } catch (const Failure&) {
    return true;  // the read that follows tells the caller
  }
  return std::exchange(seen_version_, version) != version;
}

void StoreThread::look_again(bool grew) {
  if (parked_.empty()) return;
  const auto now = steady_now();
  if (now >= next_look_) {
    grew = others_wrote() || grew;
    next_look_ = now + rules_.poll;
  }
  Jobs due;
  std::erase_if(parked_, [&](const std::shared_ptr<Job>& job) {
    if (!grew && now < job->waits_until().value_or(now)) return false;
    due.push_back(job);
    return true;
  });
  serve_reads(due);
}

void StoreThread::purge() {
  next_purge_ = steady_now() + rules_.purge_every;
  try {
    database_->execute("BEGIN IMMEDIATE");
    const auto now = rules_.clock();
    const bool more = tables_->sessions.purge(kPurgeRows, now) == kPurgeRows ||
                      tables_->attempts.purge(kPurgePage, now) == kPurgePage ||
                      tables_->one_time.purge(kPurgePage, now) == kPurgePage;
    database_->execute("COMMIT");
    if (more) next_purge_ = steady_now() + std::chrono::seconds(1);
  } catch (const std::exception&) {
    roll_back();  // nobody asked for it; the next write tells its caller what is wrong
  }
}

}  // namespace sallyport::stores::sqlite
