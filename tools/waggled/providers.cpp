#include "tools/waggled/providers.hpp"

#include <sys/stat.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace waggle {
namespace {

failure wrong(const std::string& file, const std::string& what) {
  return failure(ec::validation_error, "embedding.providers_file '" + file + "': " + what);
}

result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return wrong(path, "can't be read");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

result<std::string> read_secret(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return wrong(path, "can't be read");
  if (st.st_mode & (S_IRGRP | S_IROTH)) return wrong(path, "must not be readable by group or others");
  auto text = read_file(path);
  if (text)
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return text;
}

result<embedding_provider> read_provider(const std::string& file, const json_value& v) {
  embedding_provider p;
  const auto text = [&](std::string_view name) { return v[name].is_string() ? std::string(v[name].as_string()) : ""; };
  p.name = text("name");
  p.url = text("url");
  p.model = text("model");
  if (p.name.empty() || p.name == "bm25") return wrong(file, "each provider needs a name other than bm25");
  if (!p.url.starts_with("http://") && !p.url.starts_with("https://"))
    return wrong(file, "'" + p.name + "' needs a url that begins with http:// or https://");
  std::uint64_t n = 0;
  if (!v["dimension"].get_uint64(n) || n < 1 || n > limits::dimension_max)
    return wrong(file, "'" + p.name + "' needs a dimension between 1 and 65536");
  p.dimension = static_cast<std::uint32_t>(n);
  if (v["timeout_ms"].get_uint64(n) && n > 0 && n <= 300000) p.timeout_ms = static_cast<int>(n);
  if (v["batch_max"].get_uint64(n) && n > 0 && n <= 2048) p.batch_max = n;
  if (const auto key_file = text("api_key_file"); !key_file.empty()) {
    auto key = read_secret(key_file);
    if (!key) return key.error();
    p.api_key = std::move(*key);
  }
  return p;
}

}  // namespace

result<std::vector<embedding_provider>> read_providers(const config& loaded) {
  std::vector<embedding_provider> list;
  const auto& file = loaded.text("embedding.providers_file");
  if (file.empty()) return list;
  auto text = read_file(file);
  if (!text) return text.error();
  json_parser parser;
  auto root = parser.parse(*text);
  if (!root) return wrong(file, root.error().message);
  if (!root->is_array()) return wrong(file, "must hold a JSON array");
  std::set<std::string> names;
  for (const auto element : root->as_array()) {
    auto p = read_provider(file, json_value(element));
    if (!p) return p.error();
    if (!names.insert(p->name).second) return wrong(file, "names '" + p->name + "' twice");
    list.push_back(std::move(*p));
  }
  return list;
}

}  // namespace waggle
