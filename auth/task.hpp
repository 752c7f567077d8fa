// The coroutine type of the whole program, named once so that another event source is one change here.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sallyport {

namespace net = boost::asio;

template <typename T = void>
using Task = net::awaitable<T>;

// g++ 12 miscompiles two forms: temporaries with destructors inside a co_await expression (destroyed twice),
// and a co_await inside the condition of an `if` (the frame is read before it is filled). Name the value,
// then test it.
//
// `auto [ec, n] = co_await socket.async_read_some(buffer, kAwait);`  Errors are values.
inline constexpr auto kAwait = net::as_tuple(net::use_awaitable);

}  // namespace sallyport
