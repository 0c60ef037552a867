#pragma once
// What the names of directories need to be durable. Any thread; blocks.
#include <filesystem>

#include "base/error.hpp"

namespace waggle {

/// The names in it are durable when it returns ok.
result<void> sync_directory(const std::filesystem::path& path);
/// With all that is in it; ok when there is none.
result<void> remove_directory(const std::filesystem::path& path);

}  // namespace waggle
