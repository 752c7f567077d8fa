#include "gateway/endpoints/call.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "gateway/cookies.hpp"
#include "gateway/endpoints/documents.hpp"
#include "gateway/endpoints/fields.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {
namespace {

// A body as it came: it may hold a password, so nothing of it stays in memory. Never grows beyond its
// capacity, which would leave a copy behind.
class WipedText {
 public:
  explicit WipedText(std::size_t capacity) { text_.reserve(capacity); }
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() { OPENSSL_cleanse(text_.data(), text_.size()); }

  bool append(std::string_view bytes) {
    if (bytes.size() > text_.capacity() - text_.size()) return false;
    text_.append(bytes);
    return true;
  }
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

// Fills `text`; false: the request has been answered already, or its client is gone.
Task<bool> read_whole(Call call, WipedText& text, std::size_t limit) {
  const error_code ec = co_await call.exchange.send_continue();
  if (ec) {
    call.context.reason = "client_gone";
    call.exchange.cut();
    co_return false;
  }
  while (!call.exchange.body_complete()) {
    const BodyPiece piece = co_await call.exchange.read_body();
    switch (piece.state) {
      case BodyPiece::State::gone:
        call.context.reason = "client_gone";
        call.exchange.cut();
        co_return false;
      case BodyPiece::State::refused:
        call.context.reason = piece.reason;
        co_await refuse(call.worker, call.exchange, call.context, verdict_for_status(piece.status));
        co_return false;
      case BodyPiece::State::more:
      case BodyPiece::State::end:
        break;
    }
    if (text.view().size() + piece.bytes.size() > limit || !text.append(piece.bytes)) {
      co_await refuse(call.worker, call.exchange, call.context, Verdict::body_too_large);
      co_return false;
    }
  }
  co_return true;
}

Failure unsupported_type() {
  Failure failure;
  failure.status = 415;
  failure.error = "unsupported_media_type";
  failure.description = "Send the body as application/json in UTF-8";
  return failure;
}

// RFC 9110 15.5.2: each 401 names the scheme that would do.
std::string challenge_of(const Failure& failure, unsigned status) {
  if (status != 401) return {};
  std::string line = "WWW-Authenticate: Bearer realm=\"" + std::string(ReplyContext{}.realm) + "\"";
  if (failure.error == "token_invalid") line += ", error=\"invalid_token\"";
  return line + "\r\n";
}

}  // namespace

Task<> answer_with(Call call, const Answer& answer) {
  call.context.status = answer.status;
  ReplyContext how = reply_context(call.worker, call.context);
  how.cache_control = answer.cache_control;
  how.extra = answer.lines;
  how.retry_after = static_cast<unsigned>(answer.retry_after.count());
  const OwnAnswer own{answer.status, nullptr, answer.content_type, answer.body};
  if (const error_code ec = co_await call.exchange.answer(own, how)) call.exchange.cut();
}

Task<std::optional<config::Secret>> read_body(Call call) {
  const RequestHead& head = call.exchange.request();
  const std::size_t limit = call.config().auth.max_body;
  const bool by_length = head.framing == Framing::length;
  if (by_length && head.content_length > limit) {
    co_await refuse(call.worker, call.exchange, call.context, Verdict::body_too_large);
    co_return std::nullopt;
  }
  WipedText text(by_length                       ? static_cast<std::size_t>(head.content_length)
                 : head.framing == Framing::none ? 0
                                                 : limit);
  const bool whole = co_await read_whole(call, text, limit);
  if (!whole) co_return std::nullopt;
  co_return config::Secret(std::string(text.view()));
}

Task<std::optional<boost::json::object>> read_json(Call call, Body body) {
  const RequestHead& head = call.exchange.request();
  const bool json = says_json(head);
  const bool empty =
      head.framing == Framing::none || (head.framing == Framing::length && head.content_length == 0);
  if (!json && !(empty || body == Body::optional)) {
    const Failure failure = unsupported_type();
    co_await fail(call, failure);
    co_return std::nullopt;
  }
  const auto text = co_await read_body(call);
  if (!text) co_return std::nullopt;

  Failure failure;
  if (text->empty()) {
    if (body == Body::optional) co_return boost::json::object();
    failure = invalid_request("The request must have a JSON object as its body", "no body");
  } else if (!json) {
    failure = unsupported_type();
  } else {
    auto parsed = parse_object(text->reveal());
    if (parsed) co_return std::move(*parsed);
    failure = invalid_request("The request body must be one JSON object", parsed.error());
  }
  co_await fail(call, failure);
  co_return std::nullopt;
}

bool from_our_pages(Call call) {
  return origin_allowed(call.exchange.request(), call.context.provenance.https,
                        call.config().auth.cookies.origins);
}

SessionCookies cookies_of(Call call) {
  const RequestHead& head = call.exchange.request();
  if (!call.config().auth.cookies.on || head.find(FieldId::authorization) != nullptr) return {};
  return read_cookies(head);
}

sessions::Client client_of(Call call, std::string device) {
  sessions::Client client;
  client.device = std::move(device);
  client.ip = call.context.provenance.client;
  if (const Field* field = call.exchange.request().find(FieldId::user_agent))
    client.user_agent = field->value;
  return client;
}

Task<> answer_json(Call call, unsigned status, std::string_view body, std::string_view cache_control) {
  Answer answer;
  answer.status = status;
  answer.body = body;
  answer.cache_control = cache_control;
  co_await answer_with(call, answer);
}

Task<> answer_document(Call call, unsigned status, std::string document) {
  const std::string body = call.dialect().answer(std::move(document));
  co_await answer_json(call, status, body);
}

Task<> answer_nothing(Call call) {
  Answer answer;
  answer.status = 204;
  answer.content_type = {};
  co_await answer_with(call, answer);
}

Task<> fail(Call call, const Failure& failure) {
  call.context.refusal = failure.error;
  if (!failure.reason.empty()) call.context.reason = failure.reason;
  const Dialect::Refusal refusal =
      call.dialect().refusal(failure, call.context.endpoint, call.context.provenance.request_id);
  Answer answer;
  answer.status = refusal.status;
  answer.content_type = refusal.content_type;
  answer.body = refusal.body;
  answer.lines = challenge_of(failure, refusal.status);
  if (call.dialect().is_vague()) answer.lines += "Sallyport-Error: " + std::string(failure.error) + "\r\n";
  answer.retry_after = failure.retry_after;
  co_await answer_with(call, answer);
}

Task<StoreResult<std::size_t>> end_for_new_password(Call call, std::string user,
                                                    std::optional<sessions::SessionId> except) {
  constexpr int kTries = 3;
  for (int i = 1;; ++i) {
    std::string id = user;
    auto ended =
        co_await call.sessions().end_all_of_user(std::move(id), except, sessions::EndCause::password_changed);
    if (ended || i == kTries) co_return ended;
  }
}

void note_user(Call call, const sessions::TokenPair& pair) {
  auto who = std::make_shared<jose::Claims>();
  who->own = true;
  who->subject = pair.user.id;
  who->session_id = pair.session_id;
  call.context.claims = std::move(who);
}

Task<> answer_tokens(Call call, const sessions::TokenPair& pair) {
  note_user(call, pair);
  // A client without cookies says no Origin, and gets none.
  if (call.config().auth.cookies.on && from_our_pages(call)) call.context.cookies = cookie_lines(pair);
  std::string body = token_json(pair, call.config().users.profile);
  co_await answer_document(call, 200, std::move(body));
}

void audit(Call call, std::string_view act, std::string_view user, std::string_view session,
           std::string_view cause) {
  constexpr std::size_t kMaxName = 128;  // a name as typed has no end
  call.worker.audit({act, user.substr(0, std::min(user.size(), kMaxName)), session, cause,
                     call.context.provenance.client, call.context.provenance.request_id});
}

}  // namespace sallyport::gateway::endpoints
