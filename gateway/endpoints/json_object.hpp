// Writes one JSON object member by member. Text that is no UTF-8 is repaired on the way out, wherever it came
// from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/replies.hpp"

namespace sallyport::gateway::endpoints {

class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(out_, value);
    return *this;
  }
  JsonObject& number(std::string_view name, std::int64_t value) { return json(name, std::to_string(value)); }
  JsonObject& flag(std::string_view name, bool value) { return json(name, value ? "true" : "false"); }
  // `value`: JSON already.
  JsonObject& json(std::string_view name, std::string_view value) {
    begin(name);
    out_.append(value);
    return *this;
  }

  std::string take() && {
    out_ += '}';
    return std::move(out_);
  }

 private:
  void begin(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
  }
  std::string out_ = "{";
};

}  // namespace sallyport::gateway::endpoints
