#pragma once
// SIGHUP: reads the configuration again and applies the keys that may change while the node runs. Main's thread.
#include "net/config/config.hpp"
#include "tools/waggled/node.hpp"

namespace waggle {

/// `running` is what the node runs with, and is brought up to date. A configuration with a problem, or a certificate
/// that can't be used, changes nothing. Says in the log what changed, what is wrong, and which keys need a restart.
void reload_config(node& n, config& running, const config_sources& sources);

}  // namespace waggle
