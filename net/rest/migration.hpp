#pragma once
// Handlers of /hub/migration (migration.cpp). The table that binds them to paths is routes.cpp.
#include "net/rest/handler.hpp"

namespace waggle::rest {

answer migration_scan(handler_context& c);
answer migration_make_plan(handler_context& c);
answer migration_execute(handler_context& c);
answer migration_rollback(handler_context& c);
answer migration_finish(handler_context& c);
answer migration_status(handler_context& c);

}  // namespace waggle::rest
