#pragma once
// From a request to what the connection does: the hub's door with its faults, and the control API's door. On the thread
// of the executor they are awaited on.
#include <boost/asio/awaitable.hpp>

#include "tools/mock-hub/hub.hpp"

namespace waggle::mock {

struct reply {
  enum class ending { answer, reset, silence };
  ending end = ending::answer;
  int status = 200;
  std::string body;
  std::optional<std::int64_t> retry_after_seconds;
  std::optional<fault> manner;  ///< slow or truncated
};

boost::asio::awaitable<reply> hub_door(hub& of, request call);
boost::asio::awaitable<reply> control_door(hub& of, request call);

}  // namespace waggle::mock
