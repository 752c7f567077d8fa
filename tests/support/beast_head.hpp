// The second opinion: what Beast's parser makes of a head that ours let through. They must read the same.
#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <cstdint>
#include <string_view>

#include "gateway/message.hpp"
#include "gateway/text.hpp"

namespace sallyport::testing {

template <bool isRequest>
class BeastHead final : public boost::beast::http::basic_parser<isRequest> {
  using Base = boost::beast::http::basic_parser<isRequest>;
  using View = boost::beast::string_view;
  using ErrorCode = boost::beast::error_code;

 public:
  // `head` is whole, no byte more or less.
  bool parse(std::string_view head) {
    this->header_limit(static_cast<std::uint32_t>(head.size() + 1));
    this->body_limit(boost::none);
    this->eager(false);
    ErrorCode ec;
    const std::size_t used = this->put({head.data(), head.size()}, ec);
    return !ec && used == head.size() && this->is_header_done();
  }

  int version = 0;  // 10, 11
  unsigned status = 0;
  std::string_view method, target, reason;
  gateway::Fields fields;  // ids aren't set

 private:
  static std::string_view std_view(View view) { return {view.data(), view.size()}; }

  void on_request_impl(boost::beast::http::verb, View verb, View path, int number, ErrorCode&) override {
    version = number;
    method = std_view(verb);
    target = std_view(path);
  }
  void on_response_impl(int code, View text, int number, ErrorCode&) override {
    version = number;
    status = static_cast<unsigned>(code);
    reason = std_view(text);
  }
  void on_field_impl(boost::beast::http::field, View name, View value, ErrorCode&) override {
    fields.push_back({gateway::FieldId::other, std_view(name), std_view(value)});
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(View, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, View, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}
};

// Beast minds what a Proxy-Connection lists; we drop that field unread.
inline bool beast_has_a_say(const gateway::Fields& fields) {
  bool lists = true;
  for (const gateway::Field& field : fields)
    if (field.id == gateway::FieldId::proxy_connection)
      gateway::for_each_element(field.value,
                                [&](std::string_view one) { lists = lists && gateway::is_token(one); });
  return lists;
}

// What both kinds of a message have. Where ours has no body whatever its fields say (HEAD, 204), Beast's
// framing says nothing about it.
template <class Head, class Beast>
bool same_message(const Head& ours, const Beast& theirs) {
  if (theirs.version != (ours.version == gateway::Version::http11 ? 11 : 10)) return false;
  if (ours.framing == gateway::Framing::chunked && !theirs.chunked()) return false;
  if (ours.framing == gateway::Framing::length && theirs.content_length() != ours.content_length)
    return false;
  if (ours.fields.size() != theirs.fields.size()) return false;
  for (std::size_t i = 0; i < ours.fields.size(); ++i)
    if (ours.fields[i].name != theirs.fields[i].name || ours.fields[i].value != theirs.fields[i].value)
      return false;
  return true;
}

inline bool beast_agrees(std::string_view head, const gateway::RequestHead& ours) {
  if (!beast_has_a_say(ours.fields)) return true;
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  BeastHead<true> theirs;
  if (!theirs.parse(head) || theirs.method != ours.method || theirs.target != ours.target) return false;
  if (ours.framing == gateway::Framing::none && (theirs.chunked() || theirs.content_length())) return false;
  return same_message(ours, theirs);
}

inline bool beast_agrees(std::string_view head, const gateway::ResponseHead& ours) {
  if (!beast_has_a_say(ours.fields)) return true;
  BeastHead<false> theirs;
  return theirs.parse(head) && theirs.status == ours.status && theirs.reason == ours.reason &&
         same_message(ours, theirs);
}

}  // namespace sallyport::testing
