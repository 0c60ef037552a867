#include "net/rest/write_support.hpp"

#include <cmath>

#include "net/rest/growth.hpp"

namespace waggle::rest {

result<std::string> collection_of(handler_context& c, json_value root) {
  if (!root.is_object()) return failure::validation("body", "must be a JSON object");
  const auto named = root["collection"];
  std::string text;
  if (named.is_string())
    text = named.as_string();
  else if (!named.missing())
    return failure::validation("collection", "must be a string");
  else if (const auto header = c.http().header("x-waggle-collection"))
    text = *header;
  else
    return failure::validation("collection", "is required");
  if (is_canonical_name(text) && !c.scope.who().standalone()) return c.scope.bare_name(text);
  auto name = collection_name::parse(text);
  if (!name) return name.error();
  return name->str();
}

namespace {
result<collection_config> default_config(handler_context& c, const std::string& name, std::size_t dimension) {
  const auto& defaults = c.config.collections;
  collection_config config;
  config.name = name;
  if (dimension < 1 || dimension > limits::dimension_max) return failure(ec::invalid_dimension);
  config.dimension = static_cast<std::uint32_t>(dimension);
  config.measure = parse_metric(defaults.metric).value_or(metric::cosine);
  config.embedding_provider = defaults.embedding_provider;
  config.hnsw = {defaults.hnsw_m, defaults.hnsw_ef_construction, defaults.hnsw_ef_search};
  if (auto fits = c.db.providers().check(config.embedding_provider, config.dimension); !fits) return fits.error();
  return config;
}
}  // namespace

boost::asio::awaitable<result<std::shared_ptr<const collection_reader>>> open_or_create(
    handler_context& c, std::string name, std::optional<std::size_t> dimension) {
  auto reader = co_await c.db.open(c.scope, name, false);
  if (reader || reader.error().code != ec::collection_not_found) co_return reader;
  auto valid = collection_name::parse(name);
  if (!valid) co_return reader;
  auto config = default_config(c, valid->str(), dimension.value_or(c.config.collections.dimension));
  if (!config) co_return config.error();
  auto made = co_await make_collection(c, std::move(*config), "create");
  // Somebody else may have made it meanwhile: then it is there.
  if (!made && made.error().code != ec::collection_already_exists) co_return made.error();
  co_return co_await c.db.open(c.scope, std::move(name), false);
}

boost::asio::awaitable<result<collection_config>> config_or_defaults(handler_context& c, std::string name) {
  auto reader = co_await c.db.open(c.scope, name, false);
  if (reader) co_return (*reader)->record().config;
  if (reader.error().code != ec::collection_not_found) co_return reader.error();
  co_return default_config(c, name, c.config.collections.dimension);
}

result<void> check_vector(const collection_config& config, const std::vector<float>& vector) {
  if (vector.size() != config.dimension) {
    const auto expected = std::to_string(config.dimension), actual = std::to_string(vector.size());
    return failure(ec::dimension_mismatch, "Vector has dimension " + actual + ", the collection has " + expected,
                   "{\"expected\":" + expected + ",\"actual\":" + actual + "}");
  }
  if (config.measure != metric::cosine) return {};
  double squares = 0;
  for (const float v : vector) squares += static_cast<double>(v) * v;
  if (squares == 0) return failure::validation("vector", "must not be all zero in a cosine collection");
  return {};
}

result<void> batch_fits(handler_context& c, json_value list, std::string_view field) {
  if (list.size() <= c.config.limits.batch_items_max) return {};
  return failure::validation(field, "holds more than " + std::to_string(c.config.limits.batch_items_max) + " items");
}

std::shared_ptr<write_command> command_of(handler_context& c) {
  auto command = std::make_shared<write_command>();
  command->request_key = c.scope.request_key();
  command->fingerprint = command->request_key.empty() ? 0 : c.scope.fingerprint();
  return command;
}
std::shared_ptr<write_command> command_of(handler_context& c, operation op) {
  auto command = command_of(c);
  command->ops.push_back(std::move(op));
  return command;
}

void set_error(batch_item& row, const failure& f) {
  row.code = f.code;
  row.error = f.message;
}

std::optional<failure> first_failure(const write_outcome& outcome) {
  for (const auto& item : outcome.items)
    if (item.code != ec::ok) return failure(item.code);
  return std::nullopt;
}

}  // namespace waggle::rest
