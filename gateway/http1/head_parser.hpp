// Beast's parser, asked for nothing but views: fields are collected where they lie, nothing is copied or
// allocated. A second opinion behind HeadScan: a head must be good for both.
#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <cstdint>
#include <string_view>

#include "gateway/http1/field_ids.hpp"
#include "gateway/message.hpp"

namespace sallyport::http1 {

template <bool isRequest>
class HeadParser final : public boost::beast::http::basic_parser<isRequest> {
  using Base = boost::beast::http::basic_parser<isRequest>;
  using View = boost::beast::string_view;
  using Verb = boost::beast::http::verb;
  using FieldName = boost::beast::http::field;
  using ErrorCode = boost::beast::error_code;

 public:
  explicit HeadParser(gateway::Fields& fields) : fields_(fields) {}

  // Parses a whole head, no byte more or less. Empty when it is good, else the code of the refusal.
  std::string_view parse(std::string_view head) {
    this->header_limit(static_cast<std::uint32_t>(head.size() + 1));
    this->body_limit(boost::none);
    this->eager(false);
    ErrorCode ec;
    const std::size_t used = this->put({head.data(), head.size()}, ec);
    if (ec) return code_of(ec);
    return used == head.size() && this->is_header_done() ? "" : "bad_syntax";
  }

  unsigned status = 0;
  std::string_view reason;
  int version = 0;

 private:
  static std::string_view code_of(const ErrorCode& ec) {
    using Error = boost::beast::http::error;
    if (ec == Error::bad_content_length) return "bad_content_length";
    if (ec == Error::multiple_content_length) return "duplicate_content_length";
    if (ec == Error::bad_transfer_encoding) return "bad_transfer_encoding";
    return "bad_syntax";
  }
  static std::string_view std_view(View view) { return {view.data(), view.size()}; }

  void on_request_impl(Verb, View, View, int number, ErrorCode&) override { version = number; }
  void on_response_impl(int code, View text, int number, ErrorCode&) override {
    status = static_cast<unsigned>(code);
    reason = std_view(text);
    version = number;
  }
  void on_field_impl(FieldName, View name, View value, ErrorCode&) override {
    fields_.push_back({field_id(std_view(name)), std_view(name), std_view(value)});
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(View, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, View, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}

  gateway::Fields& fields_;
};

}  // namespace sallyport::http1
