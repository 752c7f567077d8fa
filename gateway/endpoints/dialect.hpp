// How the endpoints speak with their clients: names of JSON members and shapes of refusals, as the
// configuration (a preset) says. Acts use our own words; theirs stand in requests and answers only. Compiled
// once per configuration; pure.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/presets.hpp"
#include "gateway/endpoints/failure.hpp"

namespace sallyport::gateway::endpoints {

class Dialect {
 public:
  Dialect() = default;  // our own
  explicit Dialect(const config::AuthEndpoints& auth);

  // The name of a member of request bodies.
  std::string request(std::string_view ours) const;
  // The member itself; nullptr: not there. Where another style than ours is spoken its server took names in
  // any case, and so do we; `repeated`: two spellings of it stand there.
  const boost::json::value* find(const boost::json::object& body, std::string_view ours,
                                 bool& repeated) const;

  // The name of a member of answers; empty: it is left out. With dots where it lies deeper.
  std::string response(std::string_view ours) const;
  // Where a profile field of `user` stands instead, if it does; empty: in `user`.
  std::string lifted(std::string_view profile_field) const;
  // An answer, the text of one JSON object with our names, with theirs.
  std::string answer(std::string json) const;
  // The same for an account that was created.
  std::string created(std::string json) const;

  // `endpoint`: the act that refused, by its name in the access log.
  struct Refusal {
    unsigned status = 400;
    std::string_view content_type;
    std::string body;
  };
  Refusal refusal(const Failure& failure, std::string_view endpoint, std::string_view request_id) const;
  config::ErrorShape shape() const { return shape_; }
  // The body says less than our own would: the header Sallyport-Error says the rest.
  bool is_vague() const { return shape_ != config::ErrorShape::oauth2; }

 private:
  unsigned status_of(const Failure& failure, std::string_view endpoint) const;
  std::string_view sentence_of(const Failure& failure, std::string_view endpoint) const;
  std::string fields_json(const users::FieldProblems& fields) const;
  void translate(const boost::json::object& from, std::string_view above, boost::json::object& to,
                 boost::json::object& root) const;
  boost::json::value translated(const boost::json::value& value, std::string_view above,
                                boost::json::object& root) const;

  config::FieldNames names_;
  config::ErrorShape shape_ = config::ErrorShape::oauth2;
  config::Sentences sentences_;
  unsigned refresh_refused_ = 401;
  bool foreign_ = false;  // a sample's: its client knows nothing of 409
  bool says_success_ = false;
  bool plain_ = true;  // answers need no translation
};

}  // namespace sallyport::gateway::endpoints
