#pragma once
// Writes that make a tenant grow. With hub.use_check_quota HiveHub is asked before each of them (contract hub.md §5): its
// explicit no is QUOTA_EXCEEDED, its silence means nothing. What the tenant's own limits refuse, or let it have without growth,
// it is not asked about; and when it says yes, the limits still decide, in the log. The session's thread.
#include "net/rest/handler.hpp"

namespace waggle::rest {

/// As database::create.
database::reply<write_outcome> make_collection(handler_context& c, collection_config config, std::string_view step = {});
/// As database::write, for a command that may bring points.
database::reply<write_outcome> insert_points(handler_context& c, std::string name, std::shared_ptr<write_command> command);

}  // namespace waggle::rest
