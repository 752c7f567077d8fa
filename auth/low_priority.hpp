// For threads that compute beside the traffic: they get what it leaves.
#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sallyport {

// Of the calling thread: Linux gives each a niceness of its own. Where it is refused the thread goes on as it
// was.
inline void lower_priority() {
  constexpr int kLowest = 19;
  setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kLowest);
}

}  // namespace sallyport
