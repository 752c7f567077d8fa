// Puts the parts of reading together: the scan of raw bytes, the rules, the body. See
// reader.hpp.
#include "gateway/http1/reader.hpp"

#include <algorithm>

#include "gateway/http1/chunk_reader.hpp"
#include "gateway/http1/head_rules.hpp"
#include "gateway/http1/head_scan.hpp"
#include "gateway/http1/target.hpp"

namespace sallyport::http1 {

using gateway::Framing;

namespace {

HeadStep refused(const Refusal& refusal) { return {Progress::refused, 0, refusal}; }

// A body of any framing. The head decided which.
class BodyReader {
 public:
  explicit BodyReader(const HeadLimits& limits) : chunks_(limits) {}

  void begin(Framing framing, std::uint64_t length) {
    framing_ = framing;
    left_ = length;
    chunks_.reset();
  }

  BodyStep read(std::string_view bytes) {
    switch (framing_) {
      case Framing::none:
        return {Progress::complete, {}, 0, {}};
      case Framing::chunked:
        return chunks_.read(bytes);
      case Framing::until_close:
        return {Progress::need_more, bytes, bytes.size(), {}};
      case Framing::length:
        break;
    }
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    left_ -= take;
    return {left_ == 0 ? Progress::complete : Progress::need_more, bytes.substr(0, take), take, {}};
  }

  bool ends_by_close() const { return framing_ == Framing::until_close; }
  // Asked when no byte will come any more: judges what was read, reads nothing.
  bool complete() const {
    if (framing_ == Framing::chunked) return chunks_.complete();
    return framing_ == Framing::none || (framing_ == Framing::length && left_ == 0);
  }
  const gateway::Fields& trailers() const { return chunks_.trailers(); }

 private:
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;
  ChunkReader chunks_;
};

// What both readers share. A refusal is remembered: a refused message stays refused.
struct Common {
  Common(const HeadLimits& limits, bool is_request) : scan(limits, is_request), body(limits) {}

  void reset() {
    scan.reset();
    body.begin(Framing::none, 0);
    wrong = {};
    wrong.status = 0;
    read = false;
  }
  HeadStep refuse(const Refusal& refusal) {
    wrong = refusal;
    return refused(refusal);
  }

  HeadScan scan;
  BodyReader body;
  Refusal wrong{0, {}};  // status 0: none
  bool read = false;     // the head is complete
};

}  // namespace

struct RequestReader::Impl : Common {
  explicit Impl(const HeadLimits& limits) : Common(limits, true) {}
  gateway::RequestHead head;
};

RequestReader::RequestReader(const HeadLimits& limits) : impl_(std::make_unique<Impl>(limits)) {
  impl_->head.fields.reserve(std::min<std::size_t>(limits.fields, 64));
}
RequestReader::~RequestReader() = default;

void RequestReader::reset() {
  impl_->reset();
  impl_->head.clear();
}

HeadStep RequestReader::read_head(std::string_view bytes) try {
  Impl& my = *impl_;
  if (my.wrong.status != 0) return refused(my.wrong);
  const HeadStep step = my.scan.scan(bytes);
  if (step.progress == Progress::refused) my.refuse(step.refusal);
  if (step.progress != Progress::complete || my.read) return step;
  my.head.clear();
  if (const auto refusal = read_request_line(my.scan.start_line(bytes), my.head)) return my.refuse(*refusal);
  my.scan.append_fields(bytes, my.head.fields);
  if (const auto refusal = judge_request(my.head)) return my.refuse(*refusal);
  my.body.begin(my.head.framing, my.head.content_length);
  my.read = true;
  return step;
} catch (...) {
  return impl_->refuse({400, "bad_head"});
}

const gateway::RequestHead& RequestReader::head() const { return impl_->head; }

BodyStep RequestReader::read_body(std::string_view bytes) try {
  if (impl_->wrong.status != 0) return {Progress::refused, {}, 0, impl_->wrong};
  return impl_->body.read(bytes);
} catch (...) {
  return {Progress::refused, {}, 0, {400, "bad_body"}};
}

const gateway::Fields& RequestReader::trailers() const { return impl_->body.trailers(); }

struct ResponseReader::Impl : Common {
  explicit Impl(const HeadLimits& limits) : Common(limits, false) {}
  gateway::ResponseHead head;
  bool to_head_request = false;
};

ResponseReader::ResponseReader(const HeadLimits& limits) : impl_(std::make_unique<Impl>(limits)) {
  impl_->head.fields.reserve(std::min<std::size_t>(limits.fields, 64));
}
ResponseReader::~ResponseReader() = default;

void ResponseReader::reset(bool to_head_request) {
  impl_->reset();
  impl_->head.clear();
  impl_->to_head_request = to_head_request;
}

HeadStep ResponseReader::read_head(std::string_view bytes) try {
  Impl& my = *impl_;
  if (my.wrong.status != 0) return refused(my.wrong);
  const HeadStep step = my.scan.scan(bytes);
  if (step.progress == Progress::refused) my.refuse(step.refusal);
  if (step.progress != Progress::complete || my.read) return step;
  my.head.clear();
  if (const auto refusal = read_status_line(my.scan.start_line(bytes), my.head)) return my.refuse(*refusal);
  my.scan.append_fields(bytes, my.head.fields);
  if (const auto refusal = judge_response(my.head, my.to_head_request)) return my.refuse(*refusal);
  my.body.begin(my.head.framing, my.head.content_length);
  my.read = true;
  return step;
} catch (...) {
  return impl_->refuse({502, "bad_head"});
}

const gateway::ResponseHead& ResponseReader::head() const { return impl_->head; }

BodyStep ResponseReader::read_body(std::string_view bytes) try {
  if (impl_->wrong.status != 0) return {Progress::refused, {}, 0, impl_->wrong};
  BodyStep step = impl_->body.read(bytes);
  if (step.progress == Progress::refused) step.refusal.status = 502;
  return step;
} catch (...) {
  return {Progress::refused, {}, 0, {502, "bad_body"}};
}

BodyStep ResponseReader::end_of_stream() {
  Impl& my = *impl_;
  if (!my.read) return {Progress::refused, {}, 0, {502, "cut_head"}};
  if (my.body.ends_by_close() || my.body.complete()) return {Progress::complete, {}, 0, {}};
  return {Progress::refused, {}, 0, {502, "cut_body"}};
}

const gateway::Fields& ResponseReader::trailers() const { return impl_->body.trailers(); }

}  // namespace sallyport::http1
