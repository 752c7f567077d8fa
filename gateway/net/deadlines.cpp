#include "gateway/net/deadlines.hpp"

#include <algorithm>

namespace sallyport::gateway {

void Deadline::link(Deadline& head) {
  next_ = head.next_;
  previous_ = &head;
  head.next_->previous_ = this;
  head.next_ = this;
}

void Deadline::unlink() {
  previous_->next_ = next_;
  next_->previous_ = previous_;
  next_ = previous_ = nullptr;
}

void Deadline::arm(Deadlines& wheel, SteadyTime due) {
  due_ = due;
  if (armed() && due >= slot_due_) return;  // found too early in its slot, it will be moved on then
  if (armed()) unlink();
  // The slot behind the due time, but never one that has been turned past, nor one further than a turn away.
  const auto ticks = std::max<std::ptrdiff_t>((due - wheel.start_) / Deadlines::kTick + 1,
                                              static_cast<std::ptrdiff_t>(wheel.turned_) + 1);
  const auto slot =
      std::min<std::size_t>(static_cast<std::size_t>(ticks), wheel.turned_ + Deadlines::kSlots - 1);
  slot_due_ = wheel.start_ + static_cast<std::ptrdiff_t>(slot) * Deadlines::kTick;
  link(wheel.slots_[slot % Deadlines::kSlots]);
}

void Deadline::disarm() {
  if (armed()) unlink();
}

Deadlines::Deadlines(SteadyTime now) : start_(now), now_(now) {
  for (Head& head : slots_) head.next_ = head.previous_ = &head;
}

void Deadlines::tick(SteadyTime now) {
  now_ = now;
  const auto target = static_cast<std::size_t>((now - start_) / kTick);
  while (turned_ < target) {
    ++turned_;
    Head& head = slots_[turned_ % kSlots];
    // What is moved on goes to another slot or, a whole turn later, to the front of this one: take the list
    // off first.
    Head due;
    if (head.next_ == &head) continue;
    due.next_ = head.next_;
    due.previous_ = head.previous_;
    due.next_->previous_ = due.previous_->next_ = &due;
    head.next_ = head.previous_ = &head;
    while (due.next_ != &due) {
      Deadline& item = *due.next_;
      item.unlink();
      if (item.due_ <= now)
        item.expire();
      else
        item.arm(*this, item.due_);
    }
    due.next_ = due.previous_ = nullptr;
  }
}

}  // namespace sallyport::gateway
