// Records of the store, values of the raft log, messages between raft nodes. Input: which of them · its bytes. Whatever
// decodes is the same after another round trip. Checksums are made right, so that the fuzzer gets behind them.
#include <bit>
#include <cstring>
#include <string>

#include "base/checksum.hpp"
#include "cluster/raft/log_codec.hpp"
#include "cluster/raft/message_codec.hpp"
#include "fuzz.hpp"
#include "storage/apply/records.hpp"

using namespace waggle;
using fuzz::require;

namespace {

/// `decode` gives a result, `encode` takes its value.
template <class Decode, class Encode>
void check(std::string_view bytes, Decode decode, Encode encode) {
  const auto first = decode(bytes);
  if (!first) {
    require(first.error().code == ec::corrupt_data, "bad bytes are corrupt data");
    return;
  }
  const std::string stable = encode(*first);
  const auto again = decode(stable);
  require(again.has_value(), "what was encoded decodes");
  require(encode(*again) == stable, "a record is the same after a round trip");
}

void check_raft_message(std::string_view bytes) {
  decoded_raft_message first, again;
  if (!first.decode(7, bytes)) return;
  std::string stable, twice;
  require(encode_raft_message(first.message(), first.message().server_address, stable), "a decoded message has a form");
  require(again.decode(7, stable), "what was encoded decodes");
  require(encode_raft_message(again.message(), again.message().server_address, twice) && twice == stable,
          "a message is the same after a round trip");
}

void check_raft_log(raft_log_codec::kind kind, std::string_view body) {
  namespace codec = raft_log_codec;
  const auto key = codec::key(group_id(3), kind, kind == codec::kind::entry ? 9 : 0);
  const auto crc = std::rotl(crc32c(key), 15) ^ crc32c(body);
  std::string value(sizeof crc, '\0');
  std::memcpy(value.data(), &crc, sizeof crc);
  value.append(body);
  const auto encode = [&](const auto& v) { return codec::encode(key, v); };
  switch (kind) {
    case codec::kind::hard_state:
      return check(value, [&](std::string_view v) { return codec::decode_hard_state(key, v); }, encode);
    case codec::kind::snapshot:
      return check(value, [&](std::string_view v) { return codec::decode_snapshot(key, v); }, encode);
    case codec::kind::entry:
      return check(value, [&](std::string_view v) { return codec::decode_entry(key, v); },
                   [&](const raft_record& r) { return codec::encode(key, raft_record_view{r.term, r.type, r.data}); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::view(data, size);
  switch (fuzz::take_choice(input) % 11) {
    case 0: check_raft_message(input); break;
    case 1: check_raft_log(raft_log_codec::kind::hard_state, input); break;
    case 2: check_raft_log(raft_log_codec::kind::snapshot, input); break;
    case 3: check_raft_log(raft_log_codec::kind::entry, input); break;
    case 4:
      check(input, [](std::string_view b) { return decode_point("id", b); },
            [](const point_record& r) { return encode_point(r.seq, r.data); });
      break;
    case 5: check(input, decode_collection, encode_collection); break;
    case 6: check(input, decode_counters, encode_counters); break;
    case 7:
      check(input, decode_tenant, [](const decoded_tenant& d) { return encode_tenant(d.record); });
      break;
    case 8:
      check(input, [](std::string_view b) { return decode_snapshot("s", b); }, encode_snapshot);
      break;
    case 9:
      check(input, decode_outcome,
            [](const remembered_outcome& r) { return encode_outcome(r.outcome, r.fingerprint); });
      break;
    case 10: check(input, decode_reported, encode_reported); break;
  }
  return 0;
}
