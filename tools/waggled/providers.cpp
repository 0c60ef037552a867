#include "tools/waggled/providers.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace waggle {
namespace {

failure wrong(const std::string& file, const std::string& what) {
  return failure(ec::validation_error, "embedding.providers_file '" + file + "': " + what);
}

result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) return wrong(path, "can't be read");
  return text;
}

result<std::string> read_secret(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return wrong(path, "can't be read");
  if (about.st_mode & (S_IRWXG | S_IRWXO))
    return wrong(path, "must not be accessible by group or others (chmod 600)");
  auto text = read_file(path);
  if (!text) return text;
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  const auto visible = [](unsigned char c) { return c > ' ' && c < 127; };
  if (text->empty() || !std::all_of(text->begin(), text->end(), visible))
    return wrong(path, "must hold one key of visible ASCII characters");
  return text;
}

/// One element of the array. The first fault is kept.
class provider_reader {
 public:
  provider_reader(std::string file, const json_value& from) : file_(std::move(file)), from_(from) {}

  result<embedding_provider> read() {
    if (!from_.is_object()) return wrong(file_, "must hold objects");
    embedding_provider p;
    p.name = text("name");
    if (p.name.empty() || p.name == "bm25") return wrong(file_, "each provider needs a name other than bm25");
    where_ = "'" + p.name + "': ";
    refuse_unknown();
    if (auto url = parse_http_url(text("url")))
      p.url = std::move(*url);
    else
      refuse(url.error().message);
    p.model = text("model");
    p.dimension = static_cast<std::uint32_t>(number("dimension", 0, limits::dimension_max));
    p.timeout_ms = static_cast<int>(number("timeout_ms", p.timeout_ms, 300'000));
    p.batch_max = number("batch_max", p.batch_max, 2048);
    if (const auto key_file = text("api_key_file"); !key_file.empty()) {
      auto key = read_secret(key_file);
      if (!key) return key.error();
      p.api_key = std::move(*key);
    }
    if (!fault_.empty()) return wrong(file_, fault_);
    return p;
  }

 private:
  void refuse(const std::string& what) {
    if (fault_.empty()) fault_ = where_ + what;
  }
  void refuse_unknown() {
    static constexpr std::string_view known[] = {"name",         "url",        "model",    "dimension",
                                                 "api_key_file", "timeout_ms", "batch_max"};
    for (const auto member : from_.as_object())
      if (std::find(std::begin(known), std::end(known), member.key) == std::end(known))
        refuse("unknown member '" + std::string(member.key) + "'");
  }
  std::string text(std::string_view name) {
    const auto v = from_[name];
    if (!v.present()) return {};
    if (!v.is_string()) refuse(std::string(name) + " must be a string");
    return std::string(v.as_string());
  }
  /// 1 to `max`; `otherwise` when absent, unless that is 0: then it must be there.
  std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t max) {
    const auto v = from_[name];
    if (!v.present() && otherwise > 0) return otherwise;
    std::uint64_t n = 0;
    if (!v.get_uint64(n) || n < 1 || n > max)
      refuse(std::string(name) + " must be an integer between 1 and " + std::to_string(max));
    return n;
  }

  const std::string file_;
  const json_value& from_;
  std::string where_, fault_;
};

result<void> check_default(const config& loaded, const std::vector<embedding_provider>& list) {
  const auto& name = loaded.text("collections.defaults.embedding_provider");
  if (name == "bm25") return {};
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& p) { return p.name == name; });
  if (it == list.end()) {
    std::string known = "bm25";
    for (const auto& p : list) known += ", " + p.name;
    return failure(ec::validation_error, "collections.defaults.embedding_provider: '" + name +
                                             "' is not a configured provider; known: " + known);
  }
  if (it->dimension != loaded.number("collections.defaults.dimension"))
    return failure(ec::validation_error, "collections.defaults.dimension: must be " + std::to_string(it->dimension) +
                                             ", the dimension of collections.defaults.embedding_provider '" + name +
                                             "'");
  return {};
}

}  // namespace

result<std::vector<embedding_provider>> read_providers(const config& loaded) {
  std::vector<embedding_provider> list;
  if (const auto& file = loaded.text("embedding.providers_file"); !file.empty()) {
    auto text = read_file(file);
    if (!text) return text.error();
    json_parser parser;
    auto root = parser.parse(*text);
    if (!root) return wrong(file, "is not valid JSON");
    if (!root->is_array()) return wrong(file, "must hold a JSON array");
    for (const auto element : root->as_array()) {
      const json_value from(element);
      auto p = provider_reader(file, from).read();
      if (!p) return p.error();
      if (std::any_of(list.begin(), list.end(), [&](const auto& other) { return other.name == p->name; }))
        return wrong(file, "names '" + p->name + "' twice");
      list.push_back(std::move(*p));
    }
  }
  if (auto fine = check_default(loaded, list); !fine) return fine.error();
  return list;
}

}  // namespace waggle
