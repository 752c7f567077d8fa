// Deadlines without a timer each: a wheel of 100 ms slots, ticked by its worker. Arming and moving one is a
// few stores and never a system call. Late by up to one tick, never early. One thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "auth/time.hpp"

namespace sallyport::gateway {

class Deadlines;

// Something that ends at a time. Lives inside its owner; unlinks itself when it dies.
class Deadline {
 public:
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  virtual ~Deadline() { disarm(); }

  void arm(Deadlines& wheel, SteadyTime due);  // also moves an armed one
  void disarm();
  bool armed() const { return next_ != nullptr; }

 protected:
  virtual void expire() = 0;  // called once, disarmed; may arm again or destroy the owner

 private:
  friend class Deadlines;
  void link(Deadline& head);
  void unlink();

  SteadyTime due_{};
  SteadyTime slot_due_{};  // when its slot comes round; moving to a later time only changes due_
  Deadline* next_ = nullptr;
  Deadline* previous_ = nullptr;
};

class Deadlines {
 public:
  static constexpr std::chrono::milliseconds kTick{100};

  explicit Deadlines(SteadyTime now);
  void tick(SteadyTime now);               // expires all that are due
  SteadyTime now() const { return now_; }  // of the last tick or advance: cheap, at most a tick old

 private:
  friend class Deadline;
  static constexpr std::size_t kSlots = 1024;  // 102 s a turn; what is later is looked at once a turn

  struct Head final : Deadline {
    Head() = default;
    ~Head() override = default;
    void expire() override {}
  };

  std::array<Head, kSlots> slots_;
  SteadyTime start_;
  SteadyTime now_;
  std::size_t turned_ = 0;  // slots done since start_
};

}  // namespace sallyport::gateway
