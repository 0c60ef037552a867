#include "storage/shard/build_job.hpp"

#include "storage/segment/segment_writer.hpp"

namespace waggle {

std::size_t build_job::rows() const {
  std::size_t rows = 0;
  for (const auto& s : sources_) rows += s.rows;
  return rows;
}

result<built_segment> build_job::run(const std::atomic<bool>& cancel) const {
  built_segment built;
  built.ref = target_;
  std::vector<picked_row> rows;
  for (const auto& source : sources_) {
    built.sources.push_back(source.run);
    for_each_stretch(*source.run, source.rows, [&](const row_run::stretch& s, std::size_t n) {
      // Dead at whatever seq: no view that is published after the install can see the row.
      for (std::size_t i = 0; i < n; ++i)
        if (s.deleted_at[i].load(std::memory_order_relaxed) == 0)
          rows.push_back({source.run.get(), static_cast<std::uint32_t>(s.first + i)});
    });
  }
  if (rows.empty()) return built;
  segment_plan plan{config_.key, config_.measure, config_.dimension, target_.range, std::nullopt};
  if (rows.size() >= config_.bounds.graph_rows_min) plan.graph = config_.hnsw;
  const auto path = config_.directory + "/" + target_.file;
  if (auto written = write_segment(path, plan, rows, cancel); !written) return written.error();
  auto opened = open_segment(path, config_.key, config_.measure, config_.dimension);
  if (!opened) return opened.error();
  built.file = *opened;
  return built;
}

}  // namespace waggle
