#include "tools/wagglectl/import/vecs_reader.hpp"

#include <bit>
#include <cstring>

#include "base/limits.hpp"

namespace waggle::ctl {
static_assert(std::endian::native == std::endian::little, "the readers copy little-endian numbers as they are");

read_event vecs_reader::read(import_record& out) {
  std::int32_t dimension = 0;
  auto head = in_.read_exact(reinterpret_cast<char*>(&dimension), sizeof dimension);
  if (!head) return fail(head.error().message);
  if (*head == 0) return read_event::end;
  position_ = ++consumed_;
  if (*head < sizeof dimension) return fail("the file ends inside a record");
  // Without a trustworthy length the next record cannot be found.
  if (dimension <= 0 || static_cast<std::size_t>(dimension) > limits::dimension_max)
    return fail("the record claims " + std::to_string(dimension) +
                " components; the file is damaged or of another format");
  const auto n = static_cast<std::size_t>(dimension);
  const std::size_t width = kind_ == element::f32 ? sizeof(float) : 1;
  bytes_.resize(n * width);
  auto body = in_.read_exact(bytes_.data(), bytes_.size());
  if (!body) return fail(body.error().message);
  if (*body < bytes_.size()) return fail("the file ends inside a record");
  out.vector.resize(n);
  if (kind_ == element::f32)
    std::memcpy(out.vector.data(), bytes_.data(), bytes_.size());
  else
    for (std::size_t i = 0; i < n; ++i) out.vector[i] = static_cast<unsigned char>(bytes_[i]);
  return read_event::record;
}

}  // namespace waggle::ctl
