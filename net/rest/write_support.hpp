#pragma once
// What the writing handlers share: naming the collection, making it on first use, checking vectors, reporting items.
#include <chrono>
#include <optional>

#include "net/rest/handler.hpp"
#include "net/rest/shapes.hpp"

namespace waggle::rest {

class stopwatch {
 public:
  std::int64_t ms() const { return us() / 1000; }
  double seconds() const { return static_cast<double>(us()) / 1e6; }
  std::int64_t us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// The body's `collection`, else header X-Waggle-Collection, else 400.
result<std::string> collection_of(handler_context& c, json_value root);
/// Opens the collection; makes it with the configured defaults (and `dimension`, when given) if it is missing.
boost::asio::awaitable<result<std::shared_ptr<const collection_reader>>> open_or_create(
    handler_context& c, std::string name, std::optional<std::size_t> dimension);
/// The configuration of the collection, or the one that `open_or_create` would give it.
boost::asio::awaitable<result<collection_config>> config_or_defaults(handler_context& c, std::string name);
/// Dimension (400 DIMENSION_MISMATCH with details{expected,actual}) and, for cosine, a length that is not zero.
result<void> check_vector(const collection_config& config, const std::vector<float>& vector);
result<void> batch_fits(handler_context& c, json_value list, std::string_view field);

std::shared_ptr<write_command> command_of(handler_context& c);
std::shared_ptr<write_command> command_of(handler_context& c, operation op);
void set_error(batch_item& row, const failure& f);
/// The first item that failed, as the answer of a request that is one unit.
std::optional<failure> first_failure(const write_outcome& outcome);

}  // namespace waggle::rest
