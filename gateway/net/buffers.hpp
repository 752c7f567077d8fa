// Blocks of memory that connections borrow while they have something to read or write: an idle connection
// owns none. One pool per worker, one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace sallyport::gateway {

class BufferPool {
 public:
  // A block on loan; returns itself. Must not outlive the pool.
  class Block {
   public:
    Block() = default;
    Block(Block&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), memory_(std::move(other.memory_)) {}
    Block& operator=(Block&& other) noexcept {
      if (this != &other) {
        release();
        pool_ = std::exchange(other.pool_, nullptr);
        memory_ = std::move(other.memory_);
      }
      return *this;
    }
    ~Block() { release(); }

    explicit operator bool() const { return memory_ != nullptr; }
    char* data() const { return memory_.get(); }
    std::size_t size() const { return pool_ ? pool_->block_size_ : 0; }
    void release() {
      if (!memory_) return;
      pool_->give_back(std::move(memory_));
      pool_ = nullptr;
    }

   private:
    friend class BufferPool;
    Block(BufferPool* pool, std::unique_ptr<char[]> memory) : pool_(pool), memory_(std::move(memory)) {}
    BufferPool* pool_ = nullptr;
    std::unique_ptr<char[]> memory_;
  };

  // Keeps up to `keep` unused blocks; what is over goes back to the system.
  BufferPool(std::size_t block_size, std::size_t keep) : block_size_(block_size), keep_(keep) {
    free_.reserve(keep);
  }

  Block take() {
    if (free_.empty()) return Block(this, std::unique_ptr<char[]>(new char[block_size_ + kStagger]));
    std::unique_ptr<char[]> memory = std::move(free_.back());
    free_.pop_back();
    return Block(this, std::move(memory));
  }

 private:
  void give_back(std::unique_ptr<char[]> memory) {
    if (free_.size() < keep_) free_.push_back(std::move(memory));
  }

  // Blocks of 64 KiB would all begin at the same places of the processor's caches, whose sets hold a few
  // each.
  static constexpr std::size_t kStagger = 11 * 64 - 16;

  std::size_t block_size_;
  std::size_t keep_;
  std::vector<std::unique_ptr<char[]>> free_;
};

}  // namespace sallyport::gateway
