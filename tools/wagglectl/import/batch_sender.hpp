#pragma once
// Sends one batch at a time over its own keep-alive connection until the node has taken it or says that it never will.
// One per import connection; used by that connection's thread only.
#include <functional>
#include <string>
#include <vector>

#include "tools/wagglectl/http_client.hpp"
#include "tools/wagglectl/import/batch.hpp"

namespace waggle::ctl {

struct rejected_record {
  std::uint64_t position = 0;
  std::string reason;
};

struct batch_result {
  std::uint64_t retries = 0;
  std::vector<rejected_record> rejected;
};

struct retry_policy {
  std::uint32_t retries_max = 10;
  int first_pause_ms = 200;  ///< doubled each time
  int pause_ms_max = 30000;  ///< also caps the node's Retry-After
};

class batch_sender {
 public:
  /// `pause(ms)` waits, and returns false when the import has been stopped meanwhile.
  using pause_function = std::function<bool(int)>;
  batch_sender(http_client client, retry_policy policy, pause_function pause)
      : client_(std::move(client)), policy_(policy), pause_(std::move(pause)) {}

  /// Tried again: no connection, 408, 429 (but QUOTA_EXCEEDED), 502, 503, 504. The batch's request id stays the same,
  /// so the node applies it once. Anything else ends the import.
  outcome<batch_result> send(const import_batch& batch);

 private:
  int pause_before(std::uint32_t attempt, const outcome<http_response>& last) const;
  http_client client_;
  retry_policy policy_;
  pause_function pause_;
};

}  // namespace waggle::ctl
