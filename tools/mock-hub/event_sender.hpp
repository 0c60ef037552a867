#pragma once
// Pushes events to nodes: one POST /hub/events each, one after the other, on the thread of the awaiting executor.
#include <boost/asio/awaitable.hpp>

#include "tools/mock-hub/hub.hpp"

namespace waggle::mock {

/// {"sent": [{"node", "status", "body"} or {"node", "error"}]}
boost::asio::awaitable<json::object> send_events(event_push push);

}  // namespace waggle::mock
