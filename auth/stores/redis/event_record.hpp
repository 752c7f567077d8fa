// A revocation event as the words of a stream entry. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/revocation/revocation_log.hpp"
#include "auth/stores/redis/resp.hpp"

namespace sallyport::stores::redis {

// Adds the seven values that append_events() takes for an event: kind, issuer, id, until, before, epoch,
// reason.
void add_event_words(const revocation::Event& event, std::vector<std::string>& words);

// An element of XRANGE; nullopt: not ours.
std::optional<revocation::Entry> read_entry(const Reply& entry);

// Is it the id of a stream entry? Then it may be an argument of a script.
bool is_cursor(std::string_view text);

}  // namespace sallyport::stores::redis
