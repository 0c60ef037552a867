#include "tools/wagglectl/cli.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "base/limits.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/completion.hpp"
#include "tools/wagglectl/migrate.hpp"

namespace waggle::ctl {
namespace {
constexpr std::size_t token_bytes_max = 8192;

/// Every value that the command line can set, and the parser bound to them.
struct command_line {
  CLI::App app{"Operates a Waggle vector database node.", "wagglectl"};
  global_options global;
  create_options create;
  search_options search;
  doctor_options doctor;
  import_options import;
  audit_verify_options audit_verify;
  audit_tail_options audit_tail;
  key_options key;
  std::string key_id;
  hub_key_options hub_key;
  usage_options usage;
  ip_lists_options ip_lists;
  tenant_quota_options quota;
  std::string tenant_id;
  convert_options convert;
  std::string collection;
  std::string shell;
  std::string output = "table";
  CLI::App* status = nullptr;
  CLI::App* collections = nullptr;
  CLI::App* list = nullptr;
  CLI::App* create_command = nullptr;
  CLI::App* show = nullptr;
  CLI::App* remove = nullptr;
  CLI::App* search_command = nullptr;
  CLI::App* import_command = nullptr;
  CLI::App* doctor_command = nullptr;
  CLI::App* audit_verify_command = nullptr;
  CLI::App* audit_tail_command = nullptr;
  CLI::App* keys_create = nullptr;
  CLI::App* keys_list = nullptr;
  CLI::App* keys_revoke = nullptr;
  CLI::App* keys_rotate = nullptr;
  CLI::App* hub_keys_create = nullptr;
  CLI::App* hub_keys_list = nullptr;
  CLI::App* hub_keys_show = nullptr;
  CLI::App* hub_keys_revoke = nullptr;
  CLI::App* usage_command = nullptr;
  CLI::App* ip_lists_command = nullptr;
  CLI::App* tenant_list = nullptr;
  CLI::App* tenant_show = nullptr;
  CLI::App* tenant_quota = nullptr;
  CLI::App* tenant_cleanup = nullptr;
  std::vector<CLI::App*> tenant_acts;
  CLI::App* convert_command = nullptr;
  migrate_options migrate;
  CLI::App* migrate_scan = nullptr;
  CLI::App* migrate_plan = nullptr;
  CLI::App* migrate_status = nullptr;
  std::vector<CLI::App*> migrate_acts;
  CLI::App* version = nullptr;
  CLI::App* completion = nullptr;

  command_line() {
    app.set_version_flag("--version", "wagglectl " WAGGLE_VERSION);
    app.set_help_flag("--help,-h", "Show this help");
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(
        "Exit codes: 0 ok, 1 failed or a fault was found, 2 usage, 3 unreachable, 4 not allowed, 5 not found, 6 "
        "conflict, 130 and 143 an import was interrupted.\n"
        "Environment: WAGGLE_ENDPOINT, WAGGLE_TOKEN.");
    add_global();
    status = app.add_subcommand("status", "Show the node's health, version and totals");
    add_collections();
    add_import();
    add_search();
    doctor_command = app.add_subcommand("doctor", "Check node and machine; name a remedy for each fault");
    doctor_command->add_option("--data-dir", doctor.data_dir, "Check the disk under this directory")->type_name("FILE");
    doctor_command->add_option("--fsync-samples", doctor.fsync_samples, "Writes to measure")
        ->check(CLI::Range(10, 100000));
    add_audit();
    add_keys();
    add_hub();
    add_tenant();
    add_migrate();
    usage_command = app.add_subcommand("usage", "Recount what tenants hold, in the data directory of a stopped node");
    usage_command->add_option("--data-dir", usage.data_dir, "The node's data directory")->type_name("FILE");
    usage_command->add_option("--tenant", usage.tenant, "UUID of one tenant, in place of all");
    auto* tenancy = app.add_subcommand("tenancy", "How tenants lie on the disk of a stopped node");
    tenancy->require_subcommand(1);
    convert_command = tenancy->add_subcommand("convert", "Give each tenant a database of its own, or put all into one");
    convert_command->add_option("--to", convert.to, "storage or collection")
        ->required()
        ->check(CLI::IsMember({"storage", "collection"}));
    convert_command->add_option("--data-dir", convert.data_dir, "The node's data directory")->type_name("FILE");
    version = app.add_subcommand("version", "Show the version of wagglectl and of the node");
    completion = app.add_subcommand("completion", "Print a completion script for a shell");
    completion->add_option("shell", shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

 private:
  void add_global() {
    app.add_option("--endpoint", global.endpoint, "Node to talk to (env WAGGLE_ENDPOINT)")->type_name("URL");
    app.add_option("--token-file", global.token_file, "File with the credential (or env WAGGLE_TOKEN)")
        ->type_name("FILE");
    app.add_option("--user", global.user, "Log in as this local user")->excludes("--token-file");
    app.add_option("--password-file", global.password_file, "File with the user's password")
        ->type_name("FILE")
        ->needs("--user");
    app.add_option("--ca-cert", global.ca_cert, "CA certificate, PEM, for https")->type_name("FILE");
    app.add_option("--output", output, "Form of the answer")->check(CLI::IsMember({"table", "json"}));
    app.add_option("--timeout", global.timeout_seconds, "Seconds to wait for an answer")->check(CLI::Range(1, 3600));
    app.add_flag("--yes", global.yes, "Do not ask before something is destroyed");
    app.add_flag("--dry-run", global.dry_run, "Show what would be done, change nothing");
  }
  void add_collections() {
    collections = app.add_subcommand("collections", "List, show, create and delete collections");
    collections->require_subcommand(0, 1);
    collections->fallthrough();
    list = collections->add_subcommand("list", "List all (the default)");
    show = collections->add_subcommand("show", "Show one");
    show->add_option("name", collection, "Collection")->required();
    remove = collections->add_subcommand("delete", "Delete one with all its vectors");
    remove->add_option("name", collection, "Collection")->required();
    create_command = collections->add_subcommand("create", "Create one");
    create_command->add_option("name", create.name, "Collection")->required();
    create_command->add_option("--dimension", create.dimension, "Components of a vector")
        ->check(CLI::Range(1, static_cast<int>(limits::dimension_max)));
    create_command->add_option("--metric", create.metric, "Similarity")
        ->check(CLI::IsMember({"cosine", "euclidean", "dot"}));
    create_command->add_option("--description", create.description, "What it is for");
    create_command->add_option("--quantization", create.quantization, "Compression of vectors")
        ->check(CLI::IsMember({"none", "sq8", "pq", "binary"}));
    for (auto* command : {list, show, remove, create_command}) command->fallthrough();
  }
  void add_audit() {
    auto* audit = app.add_subcommand("audit", "Look after the audit log");
    audit->require_subcommand(1);
    audit->fallthrough();
    audit_verify_command = audit->add_subcommand("verify", "Find what was altered, left out, put in or moved");
    auto* c = audit_verify_command;
    auto* directory = c->add_option("--dir", audit_verify.directory, "Directory of the audit files")->type_name("FILE");
    c->add_option("--file", audit_verify.file, "Verify this file by itself")->type_name("FILE")->excludes(directory);
    c->add_option("--anchor", audit_verify.anchor, "Hash that a record must have, known from elsewhere");
    c->add_option("--public-key", audit_verify.public_key, "Key that has signed the checkpoints, PEM")->type_name("FILE");
    const CLI::Validator is_day(
        [](const std::string& text) {
          constexpr std::string_view shape = "0000-00-00";
          bool good = text.size() == shape.size();
          for (std::size_t i = 0; good && i < shape.size(); ++i)
            good = shape[i] == '-' ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
          return good ? std::string() : "must be a day, as 2026-01-31";
        },
        "DAY");
    c->add_option("--from", audit_verify.from, "First day (UTC); what was before it is believed")->check(is_day)->excludes("--file");
    c->add_option("--to", audit_verify.to, "Last day (UTC)")->check(is_day)->excludes("--file");
    audit_tail_command = audit->add_subcommand("tail", "Show the last records, the newest last; of all tenants to operators");
    auto* t = audit_tail_command;
    t->alias("list");
    t->add_option("--limit", audit_tail.limit, "Records")->check(CLI::Range(1, 100000));
    t->add_option("--tenant", audit_tail.tenant, "Only what concerns this tenant")->type_name("UUID");
    t->add_option("--actor", audit_tail.actor, "Only what this key, user or kind of actor did");
    t->add_option("--action", audit_tail.action, "Only this action or function");
    t->add_option("--from", audit_tail.from, "From this time on (UTC): 2026-01-31 or 2026-01-31T12:00:00Z");
    t->add_option("--to", audit_tail.to, "Before this time");
    for (auto* command : {c, t}) command->fallthrough();
  }
  void add_keys() {
    auto* keys = app.add_subcommand("keys", "Make, list, revoke and rotate local API keys");
    keys->require_subcommand(1);
    keys->fallthrough();
    keys_create = keys->add_subcommand("create", "Make a key; it is shown once");
    auto* c = keys_create;
    c->add_option("name", key.name, "What the key is for")->required();
    c->add_option("--permission", key.permissions, "read, write, delete, READ_WRITE, ADMIN, …; separated by commas")
        ->delimiter(',');
    c->add_option("--function", key.functions, "Only these functions, separated by commas")->delimiter(',');
    c->add_option("--collection", key.collections, "Only these collections, separated by commas")->delimiter(',');
    c->add_option("--tenant", key.tenant, "Tenant that the key is bound to")->type_name("UUID");
    c->add_option("--expires-in", key.expires_in_seconds, "Seconds until it ends")->check(CLI::PositiveNumber);
    c->add_option("--kind", key.kind, "What the key is for")->check(CLI::IsMember({"api", "mcp"}));
    keys_list = keys->add_subcommand("list", "List all, without their secrets");
    keys_revoke = keys->add_subcommand("revoke", "Revoke one, at once");
    keys_revoke->add_option("id", key_id, "Id of the key")->required();
    keys_rotate = keys->add_subcommand("rotate", "Replace one; the old one works on for a while");
    keys_rotate->add_option("id", key_id, "Id of the key")->required();
    for (auto* command : {keys_create, keys_list, keys_revoke, keys_rotate}) command->fallthrough();
  }
  void add_hub() {
    auto* hub = app.add_subcommand("hub", "Talk to HiveHub as the node does");
    hub->require_subcommand(1);
    hub->fallthrough();
    auto* keys = hub->add_subcommand("keys", "Make, list, show and revoke keys of tenants at HiveHub");
    keys->require_subcommand(1);
    keys->fallthrough();
    hub_keys_create = keys->add_subcommand("create", "Make a key; it is shown once");
    auto* c = hub_keys_create;
    c->add_option("name", hub_key.name, "What the key is for")->required();
    c->add_option("--tenant", hub_key.tenant, "Tenant that gets the key")->required()->type_name("UUID");
    c->add_option("--permission", hub_key.permissions, "As HiveHub calls them, separated by commas")->delimiter(',');
    c->add_option("--function", hub_key.functions, "Only these functions, separated by commas")->delimiter(',');
    c->add_option("--expires-in", hub_key.expires_in_seconds, "Seconds until it ends")->check(CLI::PositiveNumber);
    hub_keys_list = keys->add_subcommand("list", "List all, without their secrets");
    hub_keys_list->add_option("--tenant", hub_key.tenant, "Only of this tenant")->type_name("UUID");
    hub_keys_show = keys->add_subcommand("show", "Show one");
    hub_keys_revoke = keys->add_subcommand("revoke", "Revoke one, at once: the node of --endpoint forgets it, too");
    for (auto* command : {hub_keys_show, hub_keys_revoke}) command->add_option("id", hub_key.id, "Id of the key")->required();
    for (auto* command : {c, hub_keys_list, hub_keys_show, hub_keys_revoke}) {
      command->add_option("--config", hub_key.config_file, "Configuration of the node")->type_name("FILE");
      command->fallthrough();
    }
  }
  void add_tenant() {
    auto* tenant = app.add_subcommand("tenant", "Look after tenants");
    tenant->require_subcommand(1);
    tenant->fallthrough();
    ip_lists_command = tenant->add_subcommand("ip-lists", "Show, or set, from where a tenant's clients may come");
    auto* c = ip_lists_command;
    c->add_option("tenant", ip_lists.tenant, "UUID of the tenant")->required();
    c->add_option("--allow", ip_lists.allow, "Only from these addresses and networks, separated by commas")->delimiter(',');
    c->add_option("--block", ip_lists.block, "Not from these")->delimiter(',');
    c->add_flag("--clear", ip_lists.clear, "From anywhere")->excludes("--allow")->excludes("--block");
    tenant_list = tenant->add_subcommand("list", "List all, with what they hold");
    tenant_show = tenant->add_subcommand("show", "Show one");
    tenant_cleanup = tenant->add_subcommand("cleanup", "Erase one with everything it has");
    for (auto* command : {tenant_show, tenant_cleanup}) command->add_option("tenant", tenant_id, "UUID of the tenant")->required();
    const std::pair<const char*, const char*> acts[] = {{"suspend", "Keep one out; its data stays"},
                                                        {"resume", "Let a suspended one in again"},
                                                        {"hibernate", "Take one out of memory until its next request"},
                                                        {"wake", "Load one that sleeps"}};
    for (const auto& [name, help] : acts) {
      auto* command = tenant_acts.emplace_back(tenant->add_subcommand(name, help));
      command->add_option("tenant", tenant_id, "UUID of the tenant")->required();
    }
    tenant_quota = tenant->add_subcommand("quota", "Show one's limits, or lower them");
    auto* q = tenant_quota;
    q->add_option("tenant", quota.tenant, "UUID of the tenant")->required();
    for (const char* name : {"collection_count", "vector_count", "storage_bytes", "requests_per_month", "requests_per_minute",
                             "requests_per_hour", "requests_per_day"}) {
      std::string option = "--" + std::string(name);
      std::replace(option.begin(), option.end(), '_', '-');
      q->add_option(option, quota.limits[name], "At most so many");
    }
    q->add_option("--expires-at", quota.expires_at, "Until this time, as 2026-01-31T12:00:00Z");
    q->add_flag("--clear", quota.clear, "No limits of an operator's any more");
    for (auto* command : {c, tenant_list, tenant_show, tenant_cleanup, q}) command->fallthrough();
    for (auto* command : tenant_acts) command->fallthrough();
  }
  void add_migrate() {
    auto* all = app.add_subcommand("migrate", "Give a standalone node's collections to tenants, in cluster mode");
    all->require_subcommand(1);
    all->fallthrough();
    migrate_scan = all->add_subcommand("scan", "List the collections that are nobody's");
    migrate_plan = all->add_subcommand("plan", "Say who gets them; --dry-run only shows what would happen");
    migrate_plan->add_option("--default-owner", migrate.default_owner, "Tenant that gets what --map does not name")
        ->required()->type_name("UUID");
    migrate_plan->add_option("--map", migrate.owners, "Owners of some, separated by commas")->delimiter(',')->type_name("NAME=UUID");
    migrate_status = all->add_subcommand("status", "Show how far a plan is");
    const std::pair<const char*, const char*> acts[] = {{"execute", "Copy the collections to their owners, and check the copies"},
                                                        {"rollback", "Delete the copies: all is as it was"},
                                                        {"finish", "Delete the collections that were copied"}};
    for (const auto& [name, help] : acts) migrate_acts.push_back(all->add_subcommand(name, help));
    auto with_plan = migrate_acts;
    with_plan.push_back(migrate_status);
    for (auto* command : with_plan) command->add_option("plan", migrate.plan, "Id of the plan")->required();
    with_plan.insert(with_plan.end(), {migrate_scan, migrate_plan});
    for (auto* command : with_plan) command->fallthrough();
  }
  void add_import() {
    import_command = app.add_subcommand("import", "Load a file, or standard input, into a collection");
    auto* c = import_command;
    c->add_option("source", import.source, "File, or - for standard input")->required()->type_name("FILE");
    c->add_option("--collection", import.collection, "Collection to fill")->required();
    c->add_option("--format", import.format, "Form of the source")
        ->check(CLI::IsMember({"auto", "jsonl", "csv", "fvecs", "bvecs", "npy"}));
    c->add_option("--id-field", import.reader.id_field, "Member or column with the id");
    c->add_option("--vector-field", import.reader.vector_field, "Member or column with the vector");
    c->add_option("--text-field", import.reader.text_field, "Member or column with the text");
    c->add_option("--payload-fields", import.reader.payload_fields, "Keep only these, separated by commas")
        ->delimiter(',');
    c->add_option("--start-id", import.reader.start_id, "Id of the first line or record that has none");
    c->add_flag("--create", import.create, "Create the collection if it is missing");
    c->add_option("--dimension", import.reader.dimension, "Components every vector must have")
        ->check(CLI::Range(1, static_cast<int>(limits::dimension_max)));
    c->add_option("--metric", import.metric, "Similarity, with --create")
        ->check(CLI::IsMember({"cosine", "euclidean", "dot"}));
    c->add_option("--batch", import.batch_records, "Records per request")
        ->check(CLI::Range(1, static_cast<int>(batch_records_max)));
    c->add_option("--connections", import.connections, "Requests at the same time")->check(CLI::Range(1, 64));
    c->add_option("--retries", import.retries, "Further attempts per request")->check(CLI::Range(0, 1000));
    c->add_flag("--resume", import.resume, "Continue an interrupted import of this file");
    c->add_option("--rejects", import.rejects_file, "Write rejected lines and reasons here")->type_name("FILE");
    c->add_flag("--allow-rejects", import.allow_rejects, "Exit 0 although lines were rejected");
    c->add_option("--limit", import.limit, "Stop after this many records of this run; --resume goes on");
  }
  void add_search() {
    search_command = app.add_subcommand("search", "Search a collection by vector or text");
    auto* c = search_command;
    c->add_option("collection", search.collection, "Collection")->required();
    c->add_option("vector", search.vector, "JSON array, @FILE, or - for standard input");
    c->add_option("--text", search.text, "Search for this text");
    c->add_flag("--hybrid", search.hybrid, "Combine text and vector search");
    c->add_option("--alpha", search.alpha, "Share of the vector score, with --hybrid")->check(CLI::Range(0.0, 1.0));
    c->add_option("--filter", search.filter, "JSON object or @FILE");
    c->add_option("--limit", search.limit, "Results")->check(CLI::Range(1, 1000));
    c->add_option("--ef", search.ef, "Effort of the graph search")
        ->check(CLI::Range(1, static_cast<int>(limits::ef_search_max)));
    c->add_flag("--exact", search.exact, "Compare with every vector");
    c->add_flag("--vectors", search.vectors, "Include vectors (JSON output)");
  }
};

/// The words that IsMember would take, read back from the option's description so that both cannot differ.
std::vector<std::string> member_values(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto open = type.find('{');
  const auto close = type.find('}');
  std::vector<std::string> out;
  if (open == std::string::npos || close == std::string::npos) return out;
  for (auto& word : CLI::detail::split(type.substr(open + 1, close - open - 1), ',')) out.push_back(word);
  return out;
}

command_spec describe(const CLI::App& app) {
  command_spec out{app.get_name(), app.get_description(), {}, {}, false, {}};
  for (const auto* option : app.get_options()) {
    if (option->get_positional()) {
      out.argument_values = member_values(*option);
      out.takes_file = option->get_type_name() == "FILE";
    }
    if (option->get_lnames().empty()) continue;
    const bool value = option->get_items_expected_max() > 0;
    out.options.push_back({"--" + option->get_lnames().front(), option->get_description(), value,
                           value && option->get_type_name() == "FILE",
                           value ? member_values(*option) : std::vector<std::string>()});
  }
  for (const auto* child : app.get_subcommands([](const CLI::App*) { return true; }))
    out.commands.push_back(describe(*child));
  return out;
}

outcome<std::string> read_credential(const std::string& option, const std::string& file, console& io) {
  struct stat info {};
  std::ifstream in(file, std::ios::binary);
  if (!in || ::stat(file.c_str(), &info) != 0)
    return command_failure(exit_code::usage, "Cannot read " + option + " " + file);
  if ((info.st_mode & (S_IRGRP | S_IROTH)) != 0)
    io.err << "warning: others can read " << printable(file) << "; chmod 600 keeps the credential yours\n";
  std::string token(token_bytes_max + 1, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(in.gcount()));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty()) return command_failure(exit_code::usage, option + " " + file + " is empty");
  return token;
}

/// Endpoint and credential; the flag wins over the environment.
outcome<command_context> make_context(command_line& line, console& io, const environment& env) {
  auto& global = line.global;
  global.output = line.output == "json" ? output_form::json : output_form::table;
  if (line.app.get_option("--endpoint")->empty())
    if (auto value = env("WAGGLE_ENDPOINT"); value && !value->empty()) global.endpoint = *value;
  auto where = parse_endpoint(global.endpoint);
  if (!where) return where.error();
  if (!global.token_file.empty()) {
    auto token = read_credential("--token-file", global.token_file, io);
    if (!token) return token.error();
    global.token = *token;
  } else if (auto value = env("WAGGLE_TOKEN")) {
    global.token = *value;
  }
  for (const unsigned char c : global.token)
    if (c <= 0x20 || c >= 0x7f || global.token.size() > token_bytes_max)
      return command_failure(exit_code::usage,
                             "The credential holds characters that no credential has, or is too long");
  if (!(global.token.empty() && global.user.empty()) && !where->tls && !where->loopback())
    io.err << "warning: the credential goes to " << where->text() << " unencrypted; use https\n";
  command_context context{io, global, *where, {global.token, global.ca_cert, global.timeout_seconds * 1000}};
  if (global.user.empty()) return context;
  if (global.password_file.empty()) return command_failure(exit_code::usage, "--user needs --password-file");
  const auto password = read_credential("--password-file", global.password_file, io);
  if (!password) return password.error();
  context.client.token.clear();
  auto token = log_in(*where, context.client, global.user, *password);
  if (!token) return token.error();
  context.client.token = std::move(*token);
  return context;
}

outcome<exit_code> dispatch(command_line& line, console& io, const environment& env, retry_policy policy) {
  if (line.completion->parsed()) {
    auto script = completion_script(describe(line.app), line.shell);
    if (!script) return script.error();
    io.out << *script;
    return exit_code::ok;
  }
  auto context = make_context(line, io, env);
  if (!context) return context.error();
  if (line.status->parsed()) return run_status(*context);
  if (line.version->parsed()) return run_version(*context);
  if (line.show->parsed()) return run_collections_show(*context, line.collection);
  if (line.create_command->parsed()) return run_collections_create(*context, line.create);
  if (line.remove->parsed()) return run_collections_delete(*context, line.collection);
  if (line.collections->parsed()) return run_collections_list(*context);
  if (line.search_command->parsed()) return run_search(*context, line.search);
  if (line.audit_verify_command->parsed()) return run_audit_verify(*context, line.audit_verify);
  if (line.audit_tail_command->parsed()) return run_audit_tail(*context, line.audit_tail);
  if (line.keys_create->parsed()) return run_keys_create(*context, line.key);
  if (line.keys_list->parsed()) return run_keys_list(*context);
  if (line.keys_revoke->parsed()) return run_keys_revoke(*context, line.key_id);
  if (line.keys_rotate->parsed()) return run_keys_rotate(*context, line.key_id);
  if (line.hub_keys_create->parsed()) return run_hub_keys_create(*context, line.hub_key);
  if (line.hub_keys_list->parsed()) return run_hub_keys_list(*context, line.hub_key);
  if (line.hub_keys_show->parsed()) return run_hub_keys_show(*context, line.hub_key);
  if (line.hub_keys_revoke->parsed()) return run_hub_keys_revoke(*context, line.hub_key);
  if (line.ip_lists_command->parsed()) return run_ip_lists(*context, line.ip_lists);
  if (line.tenant_list->parsed()) return run_tenant_list(*context);
  if (line.tenant_show->parsed()) return run_tenant_show(*context, line.tenant_id);
  if (line.tenant_quota->parsed()) return run_tenant_quota(*context, line.quota);
  if (line.tenant_cleanup->parsed()) return run_tenant_cleanup(*context, line.tenant_id);
  for (const auto* act : line.tenant_acts)
    if (act->parsed()) return run_tenant_act(*context, line.tenant_id, act->get_name());
  if (line.migrate_scan->parsed()) return run_migrate_scan(*context);
  if (line.migrate_plan->parsed()) return run_migrate_plan(*context, line.migrate);
  if (line.migrate_status->parsed()) return run_migrate_status(*context, line.migrate.plan);
  for (const auto* act : line.migrate_acts)
    if (act->parsed()) return run_migrate_act(*context, line.migrate.plan, act->get_name());
  if (line.usage_command->parsed()) return run_usage(*context, line.usage);
  if (line.convert_command->parsed()) return run_tenancy_convert(*context, line.convert);
  if (line.doctor_command->parsed()) return run_doctor(*context, line.doctor);
  policy.retries_max = line.import.retries;
  return run_import(*context, line.import, policy);
}

}  // namespace

int run_cli(const std::vector<std::string>& arguments, console& io, const environment& env,
            retry_policy import_retries) {
  command_line line;
  try {
    // CLI11 takes the words from the back.
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    // CLI11 says only that a command is missing when there is a word that is none.
    const auto unknown = line.app.remaining(true);
    if (line.app.get_subcommands().empty() && error.get_exit_code() != 0 && !unknown.empty()) {
      io.err << (unknown.front().starts_with('-') ? "Unknown option: " : "Unknown command: ")
             << printable(unknown.front()) << "\nRun with --help for more information.\n";
      return static_cast<int>(exit_code::usage);
    }
    const int code = line.app.exit(error, io.out, io.err);
    return code == 0 ? 0 : static_cast<int>(exit_code::usage);
  }
  const auto done = dispatch(line, io, env, import_retries);
  if (!done) print_failure(io.err, done.error());
  io.out.flush();
  const auto code = done ? *done : done.error().code;
  // Output that did not arrive (a full disk) must not look like success.
  return static_cast<int>(io.out.good() || code != exit_code::ok ? code : exit_code::failed);
}

int run_cli(const std::vector<std::string>& arguments, console& io, const environment& env) {
  return run_cli(arguments, io, env, retry_policy{});
}

}  // namespace waggle::ctl
