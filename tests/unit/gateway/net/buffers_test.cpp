#include "gateway/net/buffers.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace sallyport::gateway {
namespace {

TEST(BufferPool, LendsABlockOfItsSizeAndTakesItBack) {
  BufferPool pool(128, 4);
  char* memory = nullptr;
  {
    BufferPool::Block block = pool.take();
    ASSERT_TRUE(block);
    EXPECT_EQ(block.size(), 128u);
    memory = block.data();
  }
  EXPECT_EQ(pool.take().data(), memory);
}

TEST(BufferPool, LendsEachBlockToOneAtATime) {
  BufferPool pool(16, 2);
  std::vector<BufferPool::Block> blocks;
  std::set<char*> seen;
  for (int i = 0; i < 8; ++i) {
    blocks.push_back(pool.take());
    seen.insert(blocks.back().data());
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(BufferPool, ABlockThatMovedBelongsToItsNewOwnerAlone) {
  BufferPool pool(16, 2);
  BufferPool::Block first = pool.take();
  char* memory = first.data();
  BufferPool::Block second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(first.size(), 0u);
  EXPECT_EQ(second.data(), memory);
  second = pool.take();  // the old one went back
  EXPECT_EQ(pool.take().data(), memory);
}

TEST(BufferPool, ReleaseIsOnceAndForAll) {
  BufferPool pool(16, 2);
  BufferPool::Block block = pool.take();
  block.release();
  EXPECT_FALSE(block);
  block.release();
  const BufferPool::Block one = pool.take(), two = pool.take();
  EXPECT_NE(one.data(), two.data());
}

}  // namespace
}  // namespace sallyport::gateway
