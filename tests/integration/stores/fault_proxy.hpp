// A TCP proxy that misbehaves on command: swallows, delays or cuts what the server says. Runs on the test's
// own executor, so a test decides between two steps what the next one meets.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/task.hpp"

namespace sallyport::testing {

class FaultProxy {
 public:
  FaultProxy(net::io_context& context, std::uint16_t target)
      : state_(std::make_shared<State>(context, target)) {
    auto loop = accept(state_);
    spawn(context, std::move(loop), [](std::exception_ptr) {});
  }
  ~FaultProxy() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
  }
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  std::uint16_t port() const { return state_->acceptor.local_endpoint().port(); }
  void mute(bool on) { state_->mute = on; }                             // takes requests, never answers
  void delay(std::chrono::milliseconds each) { state_->delay = each; }  // before each piece of an answer
  void cut_after(std::optional<std::size_t> bytes) {
    state_->left = bytes;
  }  // of what the server says from now on; once
  bool has_cut() const { return !state_->left; }
  std::size_t connections() const { return state_->connections; }

 private:
  using Socket = net::ip::tcp::socket;

  struct State {
    State(net::io_context& c, std::uint16_t port)
        : context(c),
          target(net::ip::address_v4::loopback(), port),
          acceptor(c, net::ip::tcp::endpoint(net::ip::address_v4::loopback(), 0)) {}
    net::io_context& context;
    net::ip::tcp::endpoint target;
    net::ip::tcp::acceptor acceptor;
    bool mute = false;
    std::chrono::milliseconds delay{0};
    std::optional<std::size_t> left;
    std::size_t connections = 0;
  };

  struct Pair {
    Pair(Socket c, net::io_context& context) : client(std::move(c)), server(context) {}
    Socket client, server;
    void close() {
      boost::system::error_code ignored;
      client.close(ignored);
      server.close(ignored);
    }
  };

  static Task<> accept(std::shared_ptr<State> state) {
    for (;;) {
      auto [ec, socket] = co_await state->acceptor.async_accept(kAwait);
      if (ec) co_return;
      ++state->connections;
      auto pair = std::make_shared<Pair>(std::move(socket), state->context);
      auto up = carry_up(state, pair);
      spawn(state->context, std::move(up), [](std::exception_ptr) {});
    }
  }

  static Task<> carry_up(std::shared_ptr<State> state, std::shared_ptr<Pair> pair) {
    auto [connect_ec] = co_await pair->server.async_connect(state->target, kAwait);
    if (connect_ec) co_return pair->close();
    auto down = carry_down(state, pair);
    spawn(state->context, std::move(down), [](std::exception_ptr) {});
    std::array<char, 16384> bytes;
    for (;;) {
      auto [ec, n] = co_await pair->client.async_read_some(net::buffer(bytes), kAwait);
      if (ec) break;
      auto [write_ec, written] =
          co_await net::async_write(pair->server, net::buffer(bytes.data(), n), kAwait);
      if (write_ec) break;
    }
    pair->close();
  }

  static Task<> carry_down(std::shared_ptr<State> state, std::shared_ptr<Pair> pair) {
    std::array<char, 16384> bytes;
    for (;;) {
      auto [ec, n] = co_await pair->server.async_read_some(net::buffer(bytes), kAwait);
      if (ec) break;
      if (state->mute) continue;
      if (state->delay.count() > 0) {
        net::steady_timer timer(state->context, state->delay);
        auto [timer_ec] = co_await timer.async_wait(kAwait);
        if (timer_ec) break;
      }
      const bool cut = state->left && *state->left < n;
      const std::size_t size = cut ? *state->left : n;
      if (state->left) *state->left -= size;
      if (cut) state->left.reset();
      auto [write_ec, written] =
          co_await net::async_write(pair->client, net::buffer(bytes.data(), size), kAwait);
      if (write_ec || cut) break;
    }
    pair->close();
  }

  std::shared_ptr<State> state_;
};

}  // namespace sallyport::testing
