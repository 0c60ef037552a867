#pragma once
// Reads a whole source from memory and keeps every event.
#include <string>
#include <vector>

#include "tools/wagglectl/import/record_reader.hpp"

namespace waggle::ctl::test {

struct reading {
  bool opened = false;
  std::string open_error;
  std::vector<import_record> records;
  std::vector<std::pair<std::uint64_t, std::string>> rejects;
  bool failed = false;
  std::string failure;
};

inline reading read_all(source_format format, std::string_view bytes, reader_options options = {},
                        std::size_t piece = SIZE_MAX) {
  reading out;
  memory_source source(bytes, piece);
  buffered_input input(source);
  auto reader = make_reader(format, input, std::move(options));
  if (auto opened = reader->open(); !opened) {
    out.open_error = opened.error().message;
    return out;
  }
  out.opened = true;
  import_record record;
  for (;;) {
    switch (reader->next(record)) {
      case read_event::record: out.records.push_back(record); break;
      case read_event::reject: out.rejects.emplace_back(reader->position(), reader->reason()); break;
      case read_event::end: return out;
      case read_event::failed:
        out.failed = true;
        out.failure = reader->reason();
        return out;
    }
  }
}

}  // namespace waggle::ctl::test
