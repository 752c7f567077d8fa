// What may enter: refuses each head that has two meanings and decides the framing of the others (SECURITY
// section 1). Pure functions over a head whose bytes and start line were judged already.
#pragma once

#include <optional>

#include "gateway/http1/reader.hpp"
#include "gateway/message.hpp"

namespace sallyport::http1 {

// Host, framing, Expect, Connection, Upgrade. Sets authority, host, framing, content_length, keep_alive,
// expect_continue and upgrade of `head`.
std::optional<Refusal> judge_request(gateway::RequestHead& head);

// Sets framing, content_length and keep_alive. Every refusal is 502.
std::optional<Refusal> judge_response(gateway::ResponseHead& head, bool to_head_request);

}  // namespace sallyport::http1
