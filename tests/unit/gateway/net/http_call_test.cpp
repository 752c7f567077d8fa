// Calls to other servers over real sockets of the loopback: what is sent, and every way in which an answer
// can fail to be one.
#include "gateway/net/http_call.hpp"

#include <gtest/gtest.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <thread>

#include "tests/support/await.hpp"

namespace sallyport::gateway {
namespace {

using namespace std::chrono_literals;
using tcp = net::ip::tcp;

// Answers one connection with these bytes, after it has read a request whole; keeps what it read.
class OneAnswer {
 public:
  // `hold`: then the connection stays open until the other side closes it.
  explicit OneAnswer(std::string bytes, bool hold = false)
      : acceptor_(context_, tcp::endpoint(net::ip::address_v4::loopback(), 0)),
        thread_([this, bytes = std::move(bytes), hold] { serve(bytes, hold); }) {}
  ~OneAnswer() { finish(); }
  // The request that it read, once it has ended.
  const std::string& finish() {
    if (thread_.joinable()) thread_.join();
    return request_;
  }

  HttpUrl url(const std::string& target = "/path?q=1") const {
    return *parse_http_url("http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + target);
  }

 private:
  void serve(const std::string& bytes, bool hold) {
    boost::system::error_code ec;
    tcp::socket socket = acceptor_.accept();
    const std::size_t head = net::read_until(socket, net::dynamic_buffer(request_), "\r\n\r\n", ec);
    const auto at = request_.find("Content-Length: ");
    const std::size_t length = at == std::string::npos ? 0 : std::stoul(request_.substr(at + 16));
    while (!ec && request_.size() < head + length) {
      std::array<char, 1024> more;
      request_.append(more.data(), socket.read_some(net::buffer(more), ec));
    }
    net::write(socket, net::buffer(bytes), ec);
    std::array<char, 64> end;
    while (hold && !ec) socket.read_some(net::buffer(end), ec);
  }

  net::io_context context_;
  tcp::acceptor acceptor_;
  std::string request_;
  std::thread thread_;
};

class HttpCalls : public ::testing::Test {
 protected:
  HttpCalls() { tick(); }
  void tick() {
    timer_.expires_after(20ms);
    timer_.async_wait([this](const error_code& ec) {
      if (ec) return;
      deadlines_.tick(std::chrono::steady_clock::now());
      tick();
    });
  }
  HttpCaller::Result call(HttpCall wanted) {
    return sallyport::testing::await(context_, caller_.call(std::move(wanted)));
  }
  HttpCaller::Result get(HttpUrl url) {
    return sallyport::testing::await(context_, caller_.get(std::move(url)));
  }

  net::io_context context_;
  Deadlines deadlines_{std::chrono::steady_clock::now()};
  HttpCaller caller_{context_.get_executor(), deadlines_};
  net::steady_timer timer_{context_};
};

TEST_F(HttpCalls, SendMethodFieldsAndBodyAndTellStatusTypeAndBody) {
  OneAnswer server(
      "HTTP/1.1 422 No\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\":\"b\"}");
  HttpCall wanted;
  wanted.url = server.url();
  wanted.method = "POST";
  wanted.fields = {{"Content-Type", "application/json"}, {"X-Mark", "7"}};
  wanted.body = config::Secret(R"({"n":1})");
  const auto answer = call(std::move(wanted));
  ASSERT_TRUE(answer) << answer.error();
  const std::string& request = server.finish();
  EXPECT_EQ(answer->status, 422u);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, R"({"a":"b"})");
  EXPECT_TRUE(request.starts_with("POST /path?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")) << request;
  EXPECT_NE(
      request.find("\r\nContent-Type: application/json\r\nX-Mark: 7\r\nContent-Length: 7\r\n\r\n{\"n\":1}"),
      std::string::npos)
      << request;
}

TEST_F(HttpCalls, TellWhenToComeAgain) {
  for (const auto& [text, expected] :
       {std::pair{"7", 7s}, std::pair{"Wed, 21 Oct 2026 07:28:00 GMT", 0s}, std::pair{"-1", 0s}}) {
    OneAnswer server("HTTP/1.1 503 Busy\r\nRetry-After: " + std::string(text) +
                     "\r\nContent-Length: 0\r\n\r\n");
    HttpCall wanted;
    wanted.url = server.url();
    const auto answer = call(std::move(wanted));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->retry_after, expected) << text;
  }
}

TEST_F(HttpCalls, SayThatAPostIsEmpty) {
  OneAnswer server("HTTP/1.1 204 Done\r\n\r\n");
  HttpCall wanted;
  wanted.url = server.url();
  wanted.method = "POST";
  const auto answer = call(std::move(wanted));
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->status, 204u);
  EXPECT_NE(server.finish().find("\r\nContent-Length: 0\r\n"), std::string::npos);
}

TEST_F(HttpCalls, PassOverInterimAnswers) {
  OneAnswer server("HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const auto answer = get(server.url());
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->body, "ok");
}

TEST_F(HttpCalls, EndWhenTheirTimeIsOver) {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", true);
  HttpCall wanted;
  wanted.url = server.url();
  wanted.timeout = 250ms;
  const auto began = std::chrono::steady_clock::now();
  const auto answer = call(std::move(wanted));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), "no whole answer within 0.25 s");
  EXPECT_GE(std::chrono::steady_clock::now() - began, 250ms);
}

TEST_F(HttpCalls, EndWithTheirCaller) {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", true);
  net::steady_timer stopper(context_, 50ms);
  stopper.async_wait([this](const error_code&) { caller_.stop(); });
  EXPECT_FALSE(get(server.url()));
}

struct Broken {
  const char* name;
  const char* bytes;
  const char* error;
};
void PrintTo(const Broken& row, std::ostream* out) { *out << row.name; }

class BrokenAnswers : public HttpCalls, public ::testing::WithParamInterface<Broken> {};
INSTANTIATE_TEST_SUITE_P(
    Rows, BrokenAnswers,
    ::testing::Values(Broken{"NoHttp", "SSH-2.0-OpenSSH\r\n\r\n", "its answer is not HTTP"},
                      Broken{"Nothing", "", "the connection ended inside the answer"},
                      Broken{"CutHead", "HTTP/1.1 200 OK\r\nConte", "the connection ended inside the answer"},
                      Broken{"CutBody", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
                             "the connection ended inside the answer"},
                      Broken{"Compressed",
                             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
                             "its answer is compressed although nobody asked for that"},
                      Broken{"Redirect", "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
                             "it answers 302, a redirect: name the URL that it leads to"},
                      Broken{"Refusal", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "it answers 503"}),
    [](const auto& row) { return row.param.name; });

TEST_P(BrokenAnswers, AreToldWithoutTheServersWords) {
  OneAnswer server(GetParam().bytes);
  const auto answer = get(server.url());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), GetParam().error);
}

TEST_F(HttpCalls, TakeNoMoreThanTheyWant) {
  OneAnswer server("HTTP/1.1 200 OK\r\n\r\n" + std::string(3000, 'x'));
  HttpCall wanted;
  wanted.url = server.url();
  wanted.max_answer = 2048;
  const auto answer = call(std::move(wanted));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), "its answer is larger than 2 KiB");
}

TEST_F(HttpCalls, SayThatNobodyIsThere) {
  HttpUrl url;
  {
    tcp::acceptor gone(context_, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    url = *parse_http_url("http://127.0.0.1:" + std::to_string(gone.local_endpoint().port()) + "/");
  }
  const auto answer = get(std::move(url));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().starts_with("cannot connect: ")) << answer.error();
}

}  // namespace
}  // namespace sallyport::gateway
