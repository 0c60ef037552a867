#include "net/rest/openapi.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "base/text_out.hpp"
#include "net/rest/routes.hpp"

namespace waggle::rest {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::vector<std::string_view> parameters(std::string_view path) {
  std::vector<std::string_view> names;
  for (auto open = path.find('{'); open != path.npos; open = path.find('{', open + 1))
    names.push_back(path.substr(open + 1, path.find('}', open) - open - 1));
  return names;
}

void write_operation(json_writer& w, const route& r) {
  w.key(lower(r.method)).begin_object();
  // One function may be reached by several paths; an operation id names one of them.
  auto id = lower(r.method) + std::string(r.path);
  std::replace_if(id.begin(), id.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  w.member("operationId", id).member("summary", r.summary);
  w.member("x-waggle-function", r.function).member("x-waggle-permission", std::string_view(&r.permission, 1));
  if (const auto names = parameters(r.path); !names.empty()) {
    w.key("parameters").begin_array();
    for (const auto name : names)
      w.begin_object().member("name", name).member("in", "path").member("required", true)
          .member_raw("schema", R"({"type":"string"})").end_object();
    w.end_array();
  }
  if (!r.example.empty())
    w.key("requestBody").begin_object().member("required", true).key("content").begin_object()
        .key("application/json").begin_object().member_raw("schema", R"({"type":"object"})")
        .member_raw("example", r.example).end_object().end_object().end_object();
  w.key("responses").begin_object();
  w.member_raw("200", R"({"description":"Success"})");
  w.member_raw("default",
               R"({"description":"Error","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Error"}}}})");
  w.end_object().end_object();
}

std::map<std::string_view, std::vector<const route*>> by_path() {
  std::map<std::string_view, std::vector<const route*>> paths;
  for (const auto& r : route_table()) paths[r.path].push_back(&r);
  return paths;
}

void append_html(std::string& out, std::string_view text) {
  for (const char c : text) switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
}

}  // namespace

std::string openapi_json(std::string_view version) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("openapi", "3.1.0");
  w.key("info").begin_object().member("title", "Waggle").member("version", version);
  w.member("description", "Multi-tenant vector database").end_object();
  w.key("paths").begin_object();
  for (const auto& [path, routes] : by_path()) {
    w.key(path).begin_object();
    for (const auto* r : routes) write_operation(w, *r);
    w.end_object();
  }
  w.end_object();
  w.key("components").begin_object().key("schemas").begin_object();
  w.member_raw("Error",
               R"({"type":"object","required":["error_type","code","error","message","status_code","request_id"],)"
               R"("properties":{"error_type":{"type":"string"},"code":{"type":"string"},"error":{"type":"string"},)"
               R"("message":{"type":"string"},"status_code":{"type":"integer"},"request_id":{"type":"string"},)"
               R"("details":{"type":"object"}}})");
  w.end_object().end_object().end_object();
  return out;
}

std::string openapi_page(std::string_view version) {
  std::string out = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Waggle API</title><h1>Waggle ";
  append_html(out, version);
  out += "</h1><p>The same as data: <a href=\"openapi.json\">openapi.json</a></p><table><tr><th>Method<th>Path<th>Function<th>What";
  for (const auto& r : route_table()) {
    for (const auto cell : {r.method, r.path, r.function, r.summary}) {
      out += cell.data() == r.method.data() ? "<tr><td>" : "<td>";
      append_html(out, cell);
    }
    if (r.example.empty()) continue;
    out += "<br><code>";
    append_html(out, r.example);
    out += "</code>";
  }
  out += "</table></html>";
  return out;
}

}  // namespace waggle::rest
