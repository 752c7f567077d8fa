// Why a store could not answer. It is never "unknown session" and never a reason to log anybody out.
#pragma once

#include <boost/system/result.hpp>

#include <string>

namespace sallyport {

struct StoreError {
  enum class Kind {
    unreachable,  // no connection, or it broke before the answer: the outcome of a write is unknown
    timeout,      // no answer in time: the outcome of a write is unknown
    refused,  // the store answered with an error and wrote nothing (OOM, READONLY, LOADING, disk full, ...)
    corrupt,  // what stands under our key isn't ours
    overloaded,  // our own queue to the store is full; nothing was sent
  };
  Kind kind = Kind::unreachable;
  std::string detail;  // for the log: names the store and the error text, never a secret

  bool outcome_unknown() const { return kind == Kind::unreachable || kind == Kind::timeout; }
};

template <typename T>
using StoreResult = boost::system::result<T, StoreError>;

}  // namespace sallyport
