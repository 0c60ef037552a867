#pragma once
// .npy 1.0 and 2.0: a 2-D array in C order, one row per record; little-endian floats and integers become float32.
// Source: numpy/lib/format.py ("Format Version 1.0", "2.0").
#include "tools/wagglectl/import/record_reader.hpp"

namespace waggle::ctl {

class npy_reader final : public record_reader {
 public:
  using record_reader::record_reader;
  result<void> open() override;

 private:
  using convert_row = void (*)(const char* bytes, std::size_t n, float* out);
  result<void> parse_header(std::string_view header);
  read_event read(import_record& out) override;
  std::uint64_t rows_ = 0;
  std::size_t columns_ = 0;
  std::size_t width_ = 0;  ///< bytes of one element
  convert_row convert_ = nullptr;
  std::vector<char> bytes_;
};

}  // namespace waggle::ctl
