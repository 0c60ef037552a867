#include <doctest/doctest.h>

#include "base/json.hpp"
#include "net/hub/operation_record.hpp"

using namespace waggle;

TEST_CASE("operation record: the service id is vec- and 16 hex digits, one for each node and data directory") {
  const auto id = service_id_of("cluster", "node");
  REQUIRE(id.size() == 20);
  CHECK(id.starts_with("vec-"));
  CHECK(id.find_first_not_of("0123456789abcdef", 4) == id.npos);
  CHECK(id == service_id_of("cluster", "node"));
  CHECK(id != service_id_of("cluster", "other"));
  CHECK(id != service_id_of("other", "node"));
}

TEST_CASE("operation record: the body of ship_logs") {
  operation_record good{"o1", {}, "search", "read", "do\"cs", 1700000000000, 12, ""};
  REQUIRE(parse_uuid("11111111-1111-4111-8111-111111111111", good.tenant.bytes));
  const operation_record bad{"o2", good.tenant, "list_collections", "read", "", 1700000000001, 0, "RATE_LIMIT_EXCEEDED"};
  const operation_record both[] = {good, bad};
  CHECK(ship_logs_request("vec-0123456789abcdef", both) ==
        R"({"service_id":"vec-0123456789abcdef","logs":[{"operation_id":"o1","tenant_id":"11111111-1111-4111-8111-111111111111",)"
        R"("operation":"search","operation_type":"read","collection":"do\"cs","timestamp":1700000000000,"duration_ms":12,)"
        R"("success":true},{"operation_id":"o2","tenant_id":"11111111-1111-4111-8111-111111111111",)"
        R"("operation":"list_collections","operation_type":"read","timestamp":1700000000001,"duration_ms":0,"success":false,)"
        R"("error":"RATE_LIMIT_EXCEEDED"}]})");
}
