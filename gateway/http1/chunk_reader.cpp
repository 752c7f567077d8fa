// The chunked coding, one line or piece at a time. See chunk_reader.hpp.
#include "gateway/http1/chunk_reader.hpp"

#include <algorithm>
#include <utility>

#include "gateway/http1/field_ids.hpp"
#include "gateway/text.hpp"

namespace sallyport::http1 {

using gateway::is_a;
using gateway::is_token;
using gateway::kFieldChar;
using gateway::kTokenChar;

namespace {

// chunk-ext = *( ";" token [ "=" ( token / quoted-string ) ] ); bytes are field characters already.
bool well_formed_extensions(std::string_view text) {
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    std::size_t name = 0;
    while (name < text.size() && is_a(text[name], kTokenChar)) ++name;
    if (name == 0) return false;
    text.remove_prefix(name);
    if (text.empty() || text.front() != '=') continue;
    text.remove_prefix(1);
    std::size_t value = 0;
    if (!text.empty() && text.front() == '"') {
      for (value = 1; value < text.size() && text[value] != '"'; ++value)
        if (text[value] == '\\') ++value;
      if (value >= text.size()) return false;
      ++value;
    } else {
      while (value < text.size() && is_a(text[value], kTokenChar)) ++value;
      if (value == 0) return false;
    }
    text.remove_prefix(value);
  }
  return true;
}

}  // namespace

void ChunkReader::reset() {
  state_ = State::size;
  left_ = 0;
  scanned_ = trailer_bytes_ = 0;
  wrong_ = {};
  memory_.clear();
  spans_.clear();
  trailers_.clear();
}

ChunkReader::Line ChunkReader::next_line(std::string_view bytes, std::size_t limit,
                                         std::string_view too_long) {
  const std::size_t end = std::min(bytes.size(), limit + 1);
  while (scanned_ < end && is_a(bytes[scanned_], kFieldChar)) ++scanned_;
  if (scanned_ > limit) return {false, {}, too_long};
  if (scanned_ == bytes.size()) return {};
  if (bytes[scanned_] != '\r')
    return {false, {}, bytes[scanned_] == '\n' ? "bare_lf_in_chunk" : "control_byte_in_chunk"};
  if (scanned_ + 1 == bytes.size()) return {};
  if (bytes[scanned_ + 1] != '\n') return {false, {}, "bare_cr_in_chunk"};
  return {true, bytes.substr(0, std::exchange(scanned_, 0)), {}};
}

std::string_view ChunkReader::read_size(std::string_view line) {
  std::size_t digits = 0;
  std::uint64_t size = 0;
  for (; digits < line.size() && gateway::hex_digit(line[digits]) >= 0; ++digits) {
    if (digits == 16 || size >> 59) return "chunk_size_too_big";  // stays below 2^63
    size = size << 4 | static_cast<std::uint64_t>(gateway::hex_digit(line[digits]));
  }
  if (digits == 0) return "bad_chunk_size";
  if (!well_formed_extensions(line.substr(digits))) return "bad_chunk_extension";
  left_ = size;
  state_ = size ? State::data : State::trailer;
  return {};
}

std::string_view ChunkReader::read_trailer(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return "obs_fold_in_trailer";
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return "bad_trailer_name";
  if (spans_.size() == limits_.trailer_fields) return "too_many_trailers";
  const std::string_view value = gateway::trim(line.substr(colon + 1));
  const std::size_t at = memory_.size();
  memory_.append(line.substr(0, colon)).append(value);
  spans_.push_back({at, colon, at + colon, value.size()});
  return {};
}

// Only now, when memory_ moves no more.
void ChunkReader::point_at_trailers() {
  const std::string_view all = memory_;
  for (const Span& span : spans_) {
    const std::string_view name = all.substr(span.name, span.name_size);
    trailers_.push_back({field_id(name), name, all.substr(span.value, span.value_size)});
  }
}

BodyStep ChunkReader::read(std::string_view bytes) {
  BodyStep step;
  while (true) {
    const std::string_view rest = bytes.substr(step.consumed);
    switch (state_) {
      case State::size: {
        const Line line = next_line(rest, kMaxChunkLine, "chunk_line_too_long");
        wrong_ = line.found ? read_size(line.text) : line.wrong;
        if (!wrong_.empty()) break;
        if (!line.found) return step;
        step.consumed += line.text.size() + 2;
        continue;
      }
      case State::data: {
        if (rest.empty()) return step;
        step.piece = rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size())));
        left_ -= step.piece.size();
        step.consumed += step.piece.size();
        if (left_ > 0) return step;
        state_ = State::data_end;
        continue;
      }
      case State::data_end:
        // The CR alone is judged as soon as it's there, but consumed with its LF.
        if (!rest.empty() && (rest[0] != '\r' || (rest.size() > 1 && rest[1] != '\n'))) {
          wrong_ = "bad_chunk_end";
          break;
        }
        if (rest.size() < 2) return step;
        state_ = State::size;
        step.consumed += 2;
        if (!step.piece.empty()) return step;
        continue;
      case State::trailer: {
        const Line line = next_line(rest, limits_.trailer_size - trailer_bytes_, "trailers_too_long");
        wrong_ = line.wrong;
        if (!wrong_.empty()) break;
        if (!line.found) return step;
        if (!line.text.empty()) wrong_ = read_trailer(line.text);
        if (!wrong_.empty()) break;
        step.consumed += line.text.size() + 2;
        trailer_bytes_ += std::min(line.text.size() + 2, limits_.trailer_size - trailer_bytes_);
        if (!line.text.empty()) continue;
        point_at_trailers();
        state_ = State::done;
        continue;
      }
      case State::done:
        step.progress = Progress::complete;
        return step;
      case State::refused:
        break;
    }
    // A piece that was good is not given out together with a refusal: the message is worth nothing now.
    state_ = State::refused;
    return {Progress::refused, {}, 0, {400, wrong_}};
  }
}

}  // namespace sallyport::http1
