#pragma once
// What the command line said, after parsing: one struct per command. Pure values.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/wagglectl/import/record_reader.hpp"

namespace waggle::ctl {

enum class output_form { table, json };

struct global_options {
  std::string endpoint = "http://127.0.0.1:15002";
  std::string token_file;
  std::string token;  ///< from WAGGLE_TOKEN or --token-file; never printed
  std::string user, password_file;  ///< log in instead of showing a token
  std::string ca_cert;
  output_form output = output_form::table;
  int timeout_seconds = 30;
  bool yes = false;
  bool dry_run = false;
};

struct create_options {
  std::string name;
  std::uint32_t dimension = 512;
  std::string metric = "cosine";
  std::string description;
  std::string quantization;  ///< "" = the node's default
};

struct search_options {
  std::string collection;
  std::string vector;  ///< JSON array, "@file", "-" (standard input) or empty
  std::string text;
  std::string filter;  ///< JSON object, "@file" or empty
  std::uint32_t limit = 10;
  double alpha = 0.7;
  std::uint32_t ef = 0;  ///< 0 = the collection's
  bool hybrid = false;
  bool exact = false;
  bool vectors = false;
};

struct doctor_options {
  std::string data_dir;  ///< empty = the disk is not checked
  int fsync_samples = 200;
};

struct key_options {
  std::string name;
  std::string kind = "api";
  std::vector<std::string> permissions;  ///< empty = the node's default
  std::vector<std::string> functions;    ///< empty = no limit
  std::vector<std::string> collections;  ///< empty = no limit
  std::string tenant;                    ///< a UUID; "" = the caller's own
  std::int64_t expires_in_seconds = 0;   ///< 0 = never
};

struct hub_key_options {
  std::string config_file;  ///< the node's; "" = config.yml if it is there
  std::string name, id;
  std::string tenant;  ///< a UUID; "" = all
  std::vector<std::string> permissions{"READ_WRITE"};
  std::vector<std::string> functions;   ///< empty = no limit
  std::int64_t expires_in_seconds = 0;  ///< 0 = never
};

struct ip_lists_options {
  std::string tenant;  ///< a UUID
  std::vector<std::string> allow, block;
  bool clear = false;
  bool changes() const { return clear || !allow.empty() || !block.empty(); }
};

struct tenant_quota_options {
  std::string tenant;  ///< a UUID
  /// By the contract's names; absent = not limited here.
  std::map<std::string, std::optional<std::uint64_t>> limits;
  std::string expires_at;  ///< RFC 3339; "" = never
  bool clear = false;
  bool changes() const {
    return clear || std::any_of(limits.begin(), limits.end(), [](const auto& limit) { return limit.second.has_value(); });
  }
};

struct audit_verify_options {
  std::string directory = "data/_node/audit";
  std::string file;    ///< one file by itself; empty = the directory
  std::string anchor;  ///< a hash that must be in the chain; empty = none
  std::string public_key;  ///< file with the key that has signed the checkpoints; empty = nobody looks
  std::string from, to;    ///< days; empty = no bound
};

struct audit_tail_options {
  std::string tenant, actor, action;  ///< empty = any
  std::string from, to;               ///< times in UTC; empty = no bound
  std::uint32_t limit = 20;
};

struct usage_options {
  std::string data_dir = "data";
  std::string tenant;  ///< a UUID; empty = all
};

struct convert_options {
  std::string data_dir = "data";
  std::string to;  ///< storage or collection
};

struct import_options {
  std::string source;  ///< a file, or "-" for standard input
  std::string collection;
  std::string format = "auto";
  reader_options reader;
  bool create = false;
  std::string metric = "cosine";
  std::uint32_t batch_records = 500;
  std::uint32_t connections = 2;
  std::uint32_t retries = 10;
  bool resume = false;
  bool allow_rejects = false;
  std::string rejects_file;
  std::uint64_t limit = 0;  ///< records of this run; 0 = all
};

}  // namespace waggle::ctl
