#pragma once
// The orchestrator's door (contract auth.md §6, `server.liveness.listen`): GET /livez and /readyz, `ok` or `unavailable`, one
// answer a connection, nothing else and no key. On one io_context, which must outlive every run of it; `start` and the destructor
// may be called from any thread.
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"

namespace waggle {

class liveness_server {
 public:
  /// `listen`: "address:port", "[address]:port" or "unix:/path"; a socket that is left of a node that died is replaced.
  /// `ready` is called on the context's thread. IO_ERROR.
  static result<std::unique_ptr<liveness_server>> start(boost::asio::io_context& context, const std::string& listen,
                                                        std::function<bool()> ready);
  ~liveness_server();

 private:
  struct core;
  explicit liveness_server(std::shared_ptr<core> c) : core_(std::move(c)) {}
  std::shared_ptr<core> core_;
};

}  // namespace waggle
