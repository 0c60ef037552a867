#pragma once
// The commands behind the command line, one function each. They print to the console and return how they ended.
#include <cstdint>

#include "tools/wagglectl/api.hpp"
#include "tools/wagglectl/console.hpp"
#include "tools/wagglectl/import/batch_sender.hpp"
#include "tools/wagglectl/options.hpp"

namespace waggle::ctl {

/// What every command gets.
struct command_context {
  console& io;
  global_options global;
  endpoint where;
  client_options client;
  node_api api() const { return node_api(http_client(where, client)); }
  bool json() const { return global.output == output_form::json; }
};

outcome<exit_code> run_status(command_context& context);
outcome<exit_code> run_collections_list(command_context& context);
outcome<exit_code> run_collections_show(command_context& context, const std::string& name);
outcome<exit_code> run_collections_create(command_context& context, const create_options& options);
outcome<exit_code> run_collections_delete(command_context& context, const std::string& name);
outcome<exit_code> run_search(command_context& context, const search_options& options);
outcome<exit_code> run_doctor(command_context& context, const doctor_options& options);
outcome<exit_code> run_import(command_context& context, const import_options& options, const retry_policy& policy);
/// Needs no node: 0 intact, 1 a fault was found, 2 unreadable.
outcome<exit_code> run_audit_verify(command_context& context, const audit_verify_options& options);
outcome<exit_code> run_audit_tail(command_context& context, const audit_tail_options& options);
/// Needs a node that is stopped: 0 every drift is 0, 1 one is not, 2 the store can't be opened, 5 no such tenant.
outcome<exit_code> run_usage(command_context& context, const usage_options& options);
/// Needs a node that is stopped: 0 converted, or it was so; 1 a copy is not like its original; 2 the store can't be opened;
/// 6 another conversion is unfinished, or the node was not stopped in order.
outcome<exit_code> run_tenancy_convert(command_context& context, const convert_options& options);
outcome<exit_code> run_version(command_context& context);
outcome<exit_code> run_keys_create(command_context& context, const key_options& options);
outcome<exit_code> run_keys_list(command_context& context);
outcome<exit_code> run_keys_revoke(command_context& context, const std::string& id);
outcome<exit_code> run_keys_rotate(command_context& context, const std::string& id);
/// Ask HiveHub, not the node; `revoke` tells the node, too.
outcome<exit_code> run_hub_keys_create(command_context& context, const hub_key_options& options);
outcome<exit_code> run_hub_keys_list(command_context& context, const hub_key_options& options);
outcome<exit_code> run_hub_keys_show(command_context& context, const hub_key_options& options);
outcome<exit_code> run_hub_keys_revoke(command_context& context, const hub_key_options& options);
outcome<exit_code> run_ip_lists(command_context& context, const ip_lists_options& options);
outcome<exit_code> run_tenant_list(command_context& context);
outcome<exit_code> run_tenant_show(command_context& context, const std::string& tenant);
/// `what`: suspend, resume, hibernate or wake.
outcome<exit_code> run_tenant_act(command_context& context, const std::string& tenant, const std::string& what);
outcome<exit_code> run_tenant_quota(command_context& context, const tenant_quota_options& options);
outcome<exit_code> run_tenant_cleanup(command_context& context, const std::string& tenant);
/// The token of a local user, to show instead of a key.
outcome<std::string> log_in(const endpoint& where, const client_options& client, const std::string& user,
                            const std::string& password);

}  // namespace waggle::ctl
