#include "net/identity/scrape_token.hpp"

#include "base/crypto.hpp"
#include "net/identity/credentials.hpp"

namespace waggle {

scrape_token::scrape_token(std::string token) : token_(std::move(token)) {
  auto who = std::make_shared<principal>();
  who->kind = principal_kind::service;
  who->key_id = "metrics.scrape_token";
  who->may = {permission_set{permission::admin}, function_list({"metrics"}), true};
  collector_ = std::move(who);
}

principal_ptr scrape_token::owner_of(const http_request& request) const {
  if (token_.empty() || request.header("x-hivehub-service")) return nullptr;
  constexpr std::string_view bearer = "bearer ";
  const auto carrier = request.header("authorization");
  if (!carrier || !equals_ignoring_case(carrier->substr(0, bearer.size()), bearer)) return nullptr;
  const auto key = find_key(request, false);
  return key && *key && constant_time_equal(token_, **key) ? collector_ : nullptr;
}

}  // namespace waggle
