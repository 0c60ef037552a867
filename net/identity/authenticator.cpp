#include "net/identity/authenticator.hpp"

namespace waggle {

boost::asio::awaitable<result<principal_ptr>> authenticator::check_key(const http_request&, const principal&,
                                                                       std::string_view) {
  co_return failure(ec::auth_invalid_key);
}

bool authenticator::admits_address(const principal& who, const ip_address& client) const {
  return !who.ip_lists || admits(*who.ip_lists, client);
}

open_loopback::open_loopback() {
  auto local = std::make_shared<principal>();
  local->kind = principal_kind::local;
  local->may = {permission_set{permission::admin}, std::nullopt, true};
  local->tenant = tenant_id{};
  local_ = std::move(local);
}

boost::asio::awaitable<result<principal_ptr>> open_loopback::identify(http_request&) { co_return local_; }

tenant_context context_of(const principal& who) {
  return who.tenant ? context_mint::tenant(*who.tenant) : context_mint::standalone();
}

result<std::optional<std::string_view>> single_header(const http_request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& header : request.headers) {
    if (!equals_ignoring_case(header.name, name)) continue;
    if (found) return failure(ec::bad_request, "The header " + std::string(name) + " is given twice");
    found = header.value;
  }
  return found;
}

}  // namespace waggle
