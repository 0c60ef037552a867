// Precompiled for the folders that speak both CAF and Asio: parsing these takes longer than compiling what uses them.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/runtime/ask_actor.hpp"
#include "actors/runtime/jobs.hpp"
#include "base/json.hpp"
