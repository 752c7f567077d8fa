// Judges what everybody got, once all is over: by the bytes on the sockets alone, and by what was served.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fuzz/connection/wire.hpp"
#include "tests/fuzz/connection/world.hpp"

namespace sallyport::fuzz {

struct Judge {
  explicit Judge(const World& its) : world(its), requests(read_requests(its.client->given())) {}

  void check();
  void check_requests() const;
  void check_server(const Server& server);
  void check_answers() const;
  void check_relayed(std::size_t place, const Message& answer) const;

  struct Expected {  // what the upstream said to a request
    bool known = false;
    Message answer;
    std::string_view behind;  // bytes behind its head
  };

  const World& world;
  const std::vector<Message> requests;
  std::vector<Expected> expected = std::vector<Expected>(world.served.size());
};

inline void Judge::check() {
  check_requests();
  for (const Server& server : world.servers) check_server(server);
  check_answers();
}

// What was served is what the client asked, in its order, from the same bytes.
inline void Judge::check_requests() const {
  for (std::size_t i = 0; i < world.served.size(); ++i) {
    const Served& served = world.served[i];
    require(i == 0 || requests[i - 1].whole(), "a request begins inside the one before it");
    if (served.refused) {
      const bool plain = i < requests.size() && is_plain(requests[i], kHeadSize);
      require(!plain || served.refusal == 408, "a plain request is refused");
      continue;
    }
    require(i < requests.size() && requests[i].has_head(),
            "a request is served that nobody sent, or with two meanings");
    const Message& asked = requests[i];
    require(served.method == asked.method && served.target == asked.target,
            "another request is served than was sent");
    if (served.body_whole)
      require(asked.whole() && served.body == asked.body, "the body isn't the one that was sent");
    else
      require(asked.body.starts_with(served.body), "the body has bytes that were not sent");
  }
}

// What the upstream was asked is what the client asked, each once; and what it said.
inline void Judge::check_server(const Server& server) {
  std::string_view asked = server.peer.taken();
  std::string_view said = server.peer.given();
  for (const std::size_t place : server.asked) {
    const Message& request = requests[place];
    const Served& served = world.served[place];
    const Message forwarded = read_message(asked, Sort::request, false);
    require(forwarded.state != Message::State::bad_head && forwarded.state != Message::State::bad_body,
            "the upstream got a request with two meanings");
    if (forwarded.has_head()) {
      require(forwarded.all("x-request-id") == std::vector<std::string_view>{served.marker},
              "the upstream got another request than it was lent for");
      require(forwarded.method == request.method, "the upstream got another method");
      require(request.body.starts_with(forwarded.body), "the upstream got body bytes that were not sent");
      require(!forwarded.whole() || (request.whole() && request.body == forwarded.body),
              "the upstream takes half a body for the whole");
    }
    if (served.tunnel && forwarded.has_head()) {
      const std::string_view sent = std::string_view(world.client->given()).substr(request.body_begin);
      require(sent.starts_with(asked.substr(forwarded.body_begin)),
              "the tunnel carried other bytes to the upstream");
      asked = {};
    }
    asked.remove_prefix(forwarded.whole() && !asked.empty() ? forwarded.end : asked.size());

    const Sort sort = served.to_head ? Sort::response_to_head : Sort::response;
    Message answer = read_message(said, sort, server.peer.done());
    while (answer.whole() && answer.status < 200 && answer.status != 101) {
      said.remove_prefix(answer.end);
      answer = read_message(said, sort, server.peer.done());
    }
    Expected& its = expected[place];
    its.known = answer.has_head();
    its.behind = said.substr(answer.body_begin);
    said.remove_prefix(answer.whole() ? answer.end : said.size());
    its.answer = std::move(answer);
  }
  require(asked.empty(), "the upstream got bytes that belong to no request");
}

// An answer that isn't our own says what the upstream said, and is whole only if that was.
inline void Judge::check_relayed(std::size_t place, const Message& answer) const {
  const Served& served = world.served[place];
  const Expected& its = expected[place];
  require(served.plan == 'f' && its.known, "an answer comes from nobody");
  require(answer.status == its.answer.status, "the answer has another status than the upstream gave");
  require(its.answer.body.starts_with(answer.body),
          "the answer has bytes that the upstream didn't send for it");
  // What only the close ends looks the same however it was closed.
  const bool left = world.client->gone() || world.aborted;
  const bool looks_whole =
      answer.whole() && (answer.framing != Framing::until_close || !(served.cut || left));
  require(!looks_whole || (its.answer.whole() && its.answer.body == answer.body),
          "the client takes half an answer for the whole");
  for (const auto& [name, value] : answer.trailers)
    require(wire::same(name, "x-checksum"), "a trailer passed that the route doesn't name");
}

// What the client got: for each request its interim answers and one final one, in order, each well formed.
inline void Judge::check_answers() const {
  const bool left = world.client->gone() || world.aborted;
  std::string_view got = world.client->taken();
  std::size_t place = 0;
  bool last = false;
  while (!got.empty()) {
    require(!last, "bytes follow the last answer");
    require(place < world.served.size(), "an answer comes that nobody asked for");
    const Served& served = world.served[place];
    const Message answer = read_message(got, served.to_head ? Sort::response_to_head : Sort::response, true);
    require(answer.state != Message::State::bad_head && answer.state != Message::State::bad_body,
            "what the client got is no HTTP/1.1");
    if (answer.state == Message::State::cut_head) {
      require(left || served.cut, "a head is cut");
      return;
    }
    require(answer.modern, "an answer has another version than 1.1");
    if (answer.status == 101) {
      require(served.tunnel && expected[place].known, "a protocol is switched that nobody switched");
      require(expected[place].behind.starts_with(got.substr(answer.body_begin)),
              "the tunnel carried other bytes to the client");
      require(place + 1 == world.served.size(), "a request is served behind a tunnel");
      return;
    }
    const bool interim = answer.status < 200;
    require(!interim || (!served.refused && requests[place].modern),
            "an interim answer for one who can't know it");
    require(answer.status != 100 || requests[place].says("expect", "100-continue"), "an unasked 100");
    if (!interim || answer.status != 100)
      require(answer.all("x-request-id") == std::vector<std::string_view>{served.marker},
              "an answer belongs to another request");
    if (!interim) {
      const bool own = !answer.all("sallyport-response").empty();
      if (!own) check_relayed(place, answer);
      if (own && answer.status == 200 && served.plan == 'b' && answer.whole() && !served.to_head)
        require(answer.body == std::to_string(requests[place].body.size()), "the body's length is another");
      require(!served.refused || answer.says("connection", "close"), "a refused request doesn't close");
      last = answer.says("connection", "close") || answer.framing == Framing::until_close || served.refused;
      if (!answer.whole()) {
        require(left || served.cut, "an answer is cut");
        return;
      }
      ++place;
    }
    got.remove_prefix(answer.end);
  }
  require(!last || place == world.served.size(), "a request is served behind the last answer");
  require(
      left || place == world.served.size() || (place + 1 == world.served.size() && world.served[place].cut),
      "a request has no answer");
}

}  // namespace sallyport::fuzz
