// "Did you mean": the nearest of the words that would have been right, and text of strangers made fit for a
// message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::config {

// Insertions, deletions, replacements and swaps of neighbours between the two; a change of case is free.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, empty where none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// " (did you mean "x"?)" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// Control bytes escaped, cut after `most` bytes.
std::string printable(std::string_view text, std::size_t most);

// In quotes, control bytes escaped, cut after 60 bytes.
std::string in_quotes(std::string_view text);

// "a, b or c".
std::string one_of(const std::vector<std::string>& words);

}  // namespace sallyport::config
