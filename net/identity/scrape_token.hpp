#pragma once
// A credential for whoever collects metrics: `metrics.scrape_token`, shown as Bearer, calls nothing else (contract auth.md §6).
// Immutable; any thread.
#include "net/auth/principal.hpp"
#include "net/http/types.hpp"

namespace waggle {

class scrape_token {
 public:
  /// "": there is none.
  explicit scrape_token(std::string token);
  /// Null when the request doesn't show it, or something else besides.
  principal_ptr owner_of(const http_request& request) const;

 private:
  const std::string token_;
  principal_ptr collector_;
};

}  // namespace waggle
