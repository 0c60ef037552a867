#pragma once
// What is said to an OpenAI-compatible embedding endpoint: POST {"model","input":[…],"encoding_format":"float"} →
// {"data":[{"index","embedding":[…]}]}. Pure; any thread.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/bridge/embeddings.hpp"

namespace waggle {

std::string embedding_request(const embedding_provider& provider, std::span<const std::string> texts);
/// A larger answer can't be a good one: pretty-printed doubles, and room for what else it says.
std::size_t embedding_answer_bytes_max(const embedding_provider& provider, std::size_t texts);
/// `count` vectors in the order of the texts. Refused with not_ready: no JSON, another count, an index twice or out of
/// range, another dimension, numbers that are not finite 32-bit floats, a vector of zeros (it has no direction).
result<std::vector<std::vector<float>>> read_embedding_answer(const embedding_provider& provider, std::string_view body,
                                                              std::size_t count);
/// 503 NOT_READY with details{provider, reason}. `detail` goes to the log only.
failure provider_failed(const embedding_provider& provider, const std::string& reason, const std::string& detail = {});

}  // namespace waggle
