#pragma once
// .fvecs and .bvecs (the TEXMEX corpus formats): per record an int32 dimension, then that many float32 or uint8, little
// endian. Source: http://corpus-texmex.irisa.fr/
#include "tools/wagglectl/import/record_reader.hpp"

namespace waggle::ctl {

class vecs_reader final : public record_reader {
 public:
  enum class element { f32, u8 };
  vecs_reader(buffered_input& in, reader_options options, element kind)
      : record_reader(in, std::move(options)), kind_(kind) {}

 private:
  read_event read(import_record& out) override;
  element kind_;
  std::vector<char> bytes_;
};

}  // namespace waggle::ctl
