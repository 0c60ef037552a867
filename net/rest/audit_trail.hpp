#pragma once
// One audit record per request (contract auth.md §13): who asked for what, and how it ended. Never a key beyond its prefix,
// a vector, a payload or a query. Owned by the node; called on the connections' threads.
#include <boost/asio/awaitable.hpp>

#include "base/crypto.hpp"
#include "net/audit/audit_log.hpp"
#include "net/auth/principal.hpp"
#include "net/http/types.hpp"
#include "net/rest/routes.hpp"

namespace waggle::rest {

/// A request that has its answer. References live as long as the request.
struct audited_request {
  const http_request& http;
  const route_match& match;
  const principal* who;  ///< nobody was identified: null
  bool open_probe;       ///< and nobody had to be
  int status;
  ec code;  ///< why, when the status is an error
  std::string_view collection;  ///< that it asked for, "" = none so far
};
audit_record audit_record_of(const audited_request& what, std::int64_t now_unix_ms, std::int64_t now_steady_us);
/// Of a request that the HTTP server answered by itself: nobody was asked who it is from, and its head may be in pieces.
audit_record audit_record_of(const http_request& request, int status, ec why, std::int64_t now_unix_ms,
                             std::int64_t now_steady_us);

/// Changes something, or who may do what: on disk before its answer.
bool is_recorded_first(const route& to);

class audit_trail {
 public:
  /// `blocks`: what can't be recorded is not done (audit.on_failure).
  audit_trail(audit_log& log, const clock& time, bool blocks, std::string directory)
      : log_(log), time_(time), blocks_(blocks), directory_(std::move(directory)) {}
  /// Asked before the request does anything.
  bool must_refuse(const route& to) const { return blocks_ && is_recorded_first(to) && log_.failing(); }
  /// AUDIT_UNAVAILABLE when that has to be the answer instead.
  boost::asio::awaitable<result<void>> record(audited_request what);
  /// One record for each connection at most, for these answers end it (but a CORS preflight): no flood of them writes more
  /// than as many refused requests on kept connections would.
  void record_answer_of_server(const http_request& request, int status, ec why);
  /// What the node did by itself: no request has this line, and an erasure may end long after the one that asked for it.
  void record_erasure(const tenant_id& tenant, const std::string& receipt);
  /// Where the records are, and what seals the positions in them that readers hold.
  const std::string& directory() const { return directory_; }
  const std::string& cursor_key() const { return cursor_key_; }

 private:
  static constexpr std::size_t cursor_key_bytes = 32;

  audit_log& log_;
  const clock& time_;
  const bool blocks_;
  const std::string directory_;
  const std::string cursor_key_ = random_bytes(cursor_key_bytes);
};

}  // namespace waggle::rest
