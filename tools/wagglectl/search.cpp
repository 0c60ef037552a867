// `wagglectl search`: by vector, by text, or hybrid.
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <sstream>

#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {
constexpr std::size_t argument_bytes_max = 16u << 20;
constexpr std::size_t payload_columns = 100;

command_failure usage(std::string text, std::string remedy = {}) {
  return {exit_code::usage, std::move(text), std::move(remedy)};
}

/// The argument itself, the file after '@', or standard input for "-".
outcome<std::string> argument_text(console& io, const std::string& argument) {
  std::string out(argument_bytes_max + 1, '\0');
  if (argument == "-") {
    io.in.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(io.in.gcount()));
  } else if (argument.starts_with('@')) {
    std::ifstream file(argument.substr(1), std::ios::binary);
    if (!file) return usage("Cannot read " + argument.substr(1));
    file.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(file.gcount()));
  } else {
    out = argument;
  }
  if (out.size() > argument_bytes_max) return usage("The argument is over 16 MiB");
  return out;
}

struct composed {
  std::string target;
  std::string body;
};

outcome<composed> compose(command_context& context, const search_options& o) {
  const bool by_vector = !o.vector.empty();
  if (o.text.empty() && !by_vector)
    return usage("There is nothing to search for", "give a JSON array, @FILE, or --text");
  if (o.hybrid && o.text.empty()) return usage("--hybrid needs --text", "a vector is optional there");
  if (!o.hybrid && by_vector && !o.text.empty()) return usage("A vector and --text together need --hybrid");
  composed out;
  out.target = "/collections/" + encode_segment(o.collection);
  out.target += o.hybrid ? "/hybrid_search" : by_vector ? "/search" : "/search/text";
  json_writer w(out.body);
  w.begin_object();
  if (!o.text.empty()) w.member("query", o.text);
  if (by_vector) {
    auto text = argument_text(context.io, o.vector);
    if (!text) return text.error();
    json_parser parser;
    std::vector<float> vector;
    auto value = parser.parse(*text);
    if (!value) return usage("The vector is no JSON array");
    if (auto read = read_floats(*value, "vector", vector); !read) return usage(read.error().message);
    w.key("vector").value(std::span<const float>(vector));
  }
  if (!o.filter.empty()) {
    auto text = argument_text(context.io, o.filter);
    if (!text) return text.error();
    json_parser parser;
    auto value = parser.parse(*text);
    if (!value || !value->is_object()) return usage("--filter is no JSON object");
    w.member_raw("filter", value->to_text());
  }
  if (o.hybrid) w.member("alpha", o.alpha);
  if (o.ef > 0 || o.exact) {
    w.key("params").begin_object();
    if (o.ef > 0) w.member("ef", o.ef);
    if (o.exact) w.member("exact", true);
    w.end_object();
  }
  w.member("limit", o.limit).member("include_vectors", o.vectors).end_object();
  return out;
}

std::string score_text(json_value score) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(4) << (score.is_number() ? score.as_double() : 0.0);
  return out.str();
}
}  // namespace

outcome<exit_code> run_search(command_context& context, const search_options& options) {
  auto request = compose(context, options);
  if (!request) return request.error();
  auto api = context.api();
  auto root = api.post(request->target, std::move(request->body));
  if (!root) return root.error();
  if (context.json()) {
    context.io.out << root->to_text() << '\n';
    return exit_code::ok;
  }
  const auto results = (*root)["results"];
  if (!results.is_array()) return command_failure(exit_code::failed, "The node's answer has no list of results");
  std::vector<std::vector<std::string>> rows;
  for (const auto item : results.as_array()) {
    const json_value hit(item);
    const auto payload = hit["payload"].missing() ? hit["metadata"] : hit["payload"];
    rows.push_back({std::to_string(rows.size() + 1), score_text(hit["score"]), printable(text_of(hit["id"])),
                    payload.missing() ? "" : printable(payload.to_text(), payload_columns)});
  }
  print_table(context.io.out, {"#", "SCORE", "ID", "PAYLOAD"}, rows);
  return exit_code::ok;
}

}  // namespace waggle::ctl
