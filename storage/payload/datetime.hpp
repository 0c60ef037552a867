#pragma once
// Instants written as text: RFC 3339, and the shorter forms Qdrant takes (UTC assumed where no offset is written).
// Pure; any thread.
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace waggle {

/// A point in time. Ordered by time; a leap second :60 lies between :59 and the next minute.
struct instant {
  std::int64_t unix_seconds = 0;
  std::int64_t nanoseconds = 0;  ///< 0 … 1,999,999,999: above 10^9 only inside a leap second
  auto operator<=>(const instant&) const = default;
};

/// "2024-05-01T12:00:00.25Z", "…+02:00", "…+0200", "…+02"; a space or 't' for 'T'; "2024-05-01T12:00:00",
/// "2024-05-01T12:00", "2024-05-01". Fractions beyond nanoseconds are cut. Nothing when it is none of these or no such
/// date.
std::optional<instant> parse_instant(std::string_view text);

}  // namespace waggle
