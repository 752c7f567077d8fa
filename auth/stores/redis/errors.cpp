#include "auth/stores/redis/errors.hpp"

#include <array>
#include <string>

namespace sallyport::stores::redis {
namespace {

struct Row {
  std::string_view code;
  StoreError::Kind kind;
  bool reconnect;
  std::string_view hint;  // the way out, for the operator
};

using enum StoreError::Kind;

constexpr std::string_view kClusterHint =
    "this is a node of a Redis Cluster: write redis+cluster:// in place of redis://";
constexpr std::string_view kClusterDownHint =
    "a part of the Cluster has no master, or this node has lost the others: see CLUSTER INFO";
constexpr std::string_view kNoClusterHint =
    "it is no node of a Cluster: write redis:// in place of redis+cluster://";

constexpr std::array kRows{
    Row{"OOM", refused, false, "it is at its maxmemory: raise it, or free memory"},
    Row{"READONLY", refused, true, "it is a replica: the address must lead to the master"},
    Row{"LOADING", refused, false, "it is still loading its data"},
    Row{"MISCONF", refused, false, "it can't save to disk and therefore refuses writes: see its log"},
    Row{"NOAUTH", refused, true, "it wants a password: set it in `store`"},
    Row{"WRONGPASS", refused, true, "user or password is wrong, or the user is disabled"},
    Row{"NOPERM", refused, false, "the ACL user lacks a right that the gateway needs"},
    Row{"BUSY", refused, false, "somebody's script runs too long: SCRIPT KILL ends it"},
    Row{"CLUSTERDOWN", refused, false, kClusterHint},
    Row{"MOVED", refused, false, kClusterHint},
    Row{"ASK", refused, false, kClusterHint},
    Row{"CROSSSLOT", refused, false, kClusterHint},
    Row{"TRYAGAIN", refused, false, kClusterHint},
    Row{"MASTERDOWN", refused, true, "it is a replica that lost its master"},
    Row{"NOREPLICAS", refused, false, "too few replicas are connected (min-replicas-to-write)"},
    Row{"UNBLOCKED", refused, true, "its role changed while we waited"},
    Row{"NOSCRIPT", refused, false, "it forgets scripts at once"},
    Row{"WRONGTYPE", corrupt, false, "what stands under one of our keys isn't ours: is `key_prefix` shared?"},
    Row{"CORRUPT", corrupt, false, "what stands under one of our keys isn't ours: is `key_prefix` shared?"},
};

bool is_cluster(std::string_view store) { return store.substr(0, store.find("://")).ends_with("+cluster"); }

bool begins_with_code(std::string_view text, std::string_view code) {
  return text.starts_with(code) && (text.size() == code.size() || text[code.size()] == ' ');
}

// Redis 6.2 wraps the error of a call inside a script: "ERR Error running script (...): @user_script:3: OOM
// ...".
bool wraps_code(std::string_view text, std::string_view code) {
  if (!text.starts_with("ERR Error running script")) return false;
  const std::string needle = ": " + std::string(code) + " ";
  return text.find(needle) != std::string_view::npos;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  return out;
}

StoreError make_error(StoreError::Kind kind, std::string_view store, std::string_view what) {
  std::string detail(store);
  detail += ": ";
  detail += what;
  return StoreError{kind, std::move(detail)};
}

Refusal refusal_of(std::string_view store, std::string_view text) {
  for (const Row& row : kRows) {
    if (!begins_with_code(text, row.code) && !wraps_code(text, row.code)) continue;
    std::string what = printable(text);
    what += " (";
    what += row.code == "CLUSTERDOWN" && is_cluster(store) ? kClusterDownHint : row.hint;
    what += ")";
    return Refusal{make_error(row.kind, store, what), row.reconnect};
  }
  if (text.find("cluster support disabled") != std::string_view::npos)
    return Refusal{make_error(refused, store, std::string(kNoClusterHint)), false};
  return Refusal{make_error(refused, store, printable(text)), false};
}

bool is_noscript(std::string_view text) { return begins_with_code(text, "NOSCRIPT"); }

}  // namespace sallyport::stores::redis
