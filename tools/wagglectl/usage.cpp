// `wagglectl usage`: what tenants are billed for, counted again from the points themselves.
#include <algorithm>
#include <ostream>

#include "base/text_out.hpp"
#include "storage/apply/account.hpp"
#include "storage/apply/layout.hpp"
#include "tools/wagglectl/commands.hpp"

namespace waggle::ctl {
namespace {

struct counted_tenant {
  tenant_id tenant;
  recounted account;
  recounted counted;
};

std::int64_t drift(std::uint64_t account, std::uint64_t counted) { return static_cast<std::int64_t>(account - counted); }

bool is_exact(const counted_tenant& t) {
  return t.account.collections == t.counted.collections && t.account.points == t.counted.points &&
         t.account.bytes == t.counted.bytes;
}

result<std::unique_ptr<kv_store>> open_store(const std::string& data_dir) {
  auto kv = open_as_it_lies(data_dir);
  if (kv || kv.error().code == ec::not_found || kv.error().code == ec::conflict) return kv;
  return failure(kv.error().code, "The store in '" + data_dir + "' can't be opened; stop the node first (" +
                                      kv.error().log_text + ")");
}

result<void> count(const kv_store& kv, const tenant_id& tenant, const tenant_record& account,
                   std::vector<counted_tenant>& out) {
  auto counted = recount_points(write_overlay(kv), tenant);
  if (!counted) return counted.error();
  const auto& now = account.now;
  out.push_back({tenant, {now.collections, now.points, now.bytes}, *counted});
  return {};
}

result<std::vector<counted_tenant>> count_all(const kv_store& kv) {
  std::vector<counted_tenant> out;
  result<void> bad;
  auto visited = visit_accounts(kv, std::nullopt, [&](const tenant_id& tenant, const tenant_record& known) {
    // After a crash a tenant's own account may be newer than what the shared database knows of it.
    auto account = load_account(write_overlay(kv), tenant);
    bad = account ? count(kv, tenant, account->value_or(known), out) : account.error();
    return bad.has_value();
  });
  if (!visited) return visited.error();
  if (!bad) return bad.error();
  return out;
}

result<std::vector<counted_tenant>> count_one(const kv_store& kv, const tenant_id& tenant) {
  std::vector<counted_tenant> out;
  auto account = load_account(write_overlay(kv), tenant);
  if (!account) return account.error();
  if (!*account) return failure(ec::tenant_not_found, "This node has never seen the tenant " + to_string(tenant));
  if (auto done = count(kv, tenant, **account, out); !done) return done.error();
  return out;
}

void write_counts(json_writer& w, std::string_view name, const recounted& n) {
  w.key(name).begin_object().member("collections", n.collections).member("vectors", n.points);
  w.member("storage_bytes", n.bytes).end_object();
}

void print_json(std::ostream& out, const std::vector<counted_tenant>& tenants, bool exact) {
  std::string text;
  json_writer w(text);
  w.begin_object().member("ok", exact).key("tenants").begin_array();
  for (const auto& t : tenants) {
    w.begin_object().member("tenant_id", to_string(t.tenant));
    write_counts(w, "account", t.account);
    write_counts(w, "recount", t.counted);
    w.key("drift").begin_object().member("collections", drift(t.account.collections, t.counted.collections));
    w.member("vectors", drift(t.account.points, t.counted.points));
    w.member("storage_bytes", drift(t.account.bytes, t.counted.bytes)).end_object().end_object();
  }
  w.end_array().end_object();
  out << text << '\n';
}

void print_text(std::ostream& out, const std::vector<counted_tenant>& tenants) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& t : tenants) {
    const auto row = [&](std::string_view what, std::uint64_t account, std::uint64_t counted) {
      rows.push_back({to_string(t.tenant), std::string(what), std::to_string(account), std::to_string(counted),
                      std::to_string(drift(account, counted))});
    };
    row("collections", t.account.collections, t.counted.collections);
    row("vectors", t.account.points, t.counted.points);
    row("storage_bytes", t.account.bytes, t.counted.bytes);
  }
  print_table(out, {"TENANT", "WHAT", "ACCOUNT", "RECOUNT", "DRIFT"}, rows);
}

command_failure failed(const failure& why) {
  const auto code = why.code == ec::tenant_not_found ? exit_code::not_found
                    : why.code == ec::corrupt_data || why.code == ec::tenant_unavailable ? exit_code::failed
                                                     : exit_code::usage;
  return command_failure(code, printable(why.message.empty() ? why.log_text : why.message));
}

}  // namespace

outcome<exit_code> run_usage(command_context& context, const usage_options& options) {
  tenant_id tenant;
  if (!options.tenant.empty() && !parse_uuid(options.tenant, tenant.bytes))
    return command_failure(exit_code::usage, "--tenant must be a UUID");
  auto kv = open_store(options.data_dir);
  if (!kv) return failed(kv.error());
  const auto counted = options.tenant.empty() ? count_all(**kv) : count_one(**kv, tenant);
  if (!counted) return failed(counted.error());
  const bool exact = std::all_of(counted->begin(), counted->end(), is_exact);
  if (context.json())
    print_json(context.io.out, *counted, exact);
  else
    print_text(context.io.out, *counted);
  return exact ? exit_code::ok : exit_code::failed;
}

}  // namespace waggle::ctl
