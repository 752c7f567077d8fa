// A page that is one answer with nothing to load, so that its policy can name the very script and style that
// may run, by their digests. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::gateway {

struct InlinePage {
  std::string html;
  std::string lines;  // of its head: the policy and what goes with it
};

// NAME.html of gateway/web with NAME.css for {{style}}, NAME.js for {{script}} and `document`, JSON, for
// {{document}}. It talks to its own origin alone.
InlinePage inline_page(const std::string& name, std::string document = {});

}  // namespace sallyport::gateway
