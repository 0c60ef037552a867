#pragma once
// `wagglectl migrate`: the collections of a standalone node become tenants', after the node was switched to cluster mode. One
// thread at a time.
#include <map>
#include <string>

#include "tools/wagglectl/commands.hpp"

namespace waggle::ctl {

struct migrate_options {
  std::string default_owner;        ///< a UUID
  std::vector<std::string> owners;  ///< "name=UUID"
  std::string plan;                 ///< its id
};

outcome<exit_code> run_migrate_scan(command_context& context);
outcome<exit_code> run_migrate_plan(command_context& context, const migrate_options& options);
outcome<exit_code> run_migrate_status(command_context& context, const std::string& plan);
/// `what`: execute, rollback or finish. Waits until it is done: 1 when a collection was refused.
outcome<exit_code> run_migrate_act(command_context& context, const std::string& plan, const std::string& what);

}  // namespace waggle::ctl
