// Counts every allocation of the program that includes this, once, in one of its sources. All forms of
// operator new that the standard library may call stand here: a mixture of ours and theirs would mix
// allocators.
#pragma once

#include <cstdlib>
#include <new>

namespace sallyport::test {
inline thread_local std::size_t allocations = 0;  // of this thread: a program's tests may have others
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++sallyport::test::allocations;
  return std::malloc(size);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
