#pragma once
// The built-in provider `bm25`: text to a dense vector of any dimension, without a model and without statistics, so the
// same text has the same vector on every node and for ever (golden-tested; multiplication, addition and square root
// only, which IEEE 754 rounds the same everywhere). Pure; any thread.
#include <span>
#include <string_view>

namespace waggle {

/// Feature hashing (Weinberger et al. 2009): each term adds ±weight·√count at 8 places drawn from its hash; the sum is
/// scaled to length 1. Texts that share terms have a positive expected cosine, others one around 0 ± 1/√dimension.
/// Eight places instead of one keep a chance collision of two terms small. English function words weigh a quarter:
/// there are no document frequencies here to do that. A text without terms, and one whose terms cancel out (possible in
/// very few dimensions), gives the fixed vector (1/√d, …, 1/√d), so that a cosine never divides by zero. An empty `out`
/// is left alone.
void bm25_embedding(std::string_view text, std::span<float> out);

}  // namespace waggle
