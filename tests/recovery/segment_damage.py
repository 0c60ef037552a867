"""Ways to damage a sealed segment file, one for each thing that a disk can do to it.

The layout is docs/formats/segment.md; a file whose every part is damaged in turn shows that no byte goes unchecked.
"""
import struct

HEADER_BYTES = 512
TABLE_AT, TABLE_ENTRY_BYTES = 96, 24
SECTIONS = {1: "seqs", 2: "id_offsets", 3: "id_bytes", 4: "id_flags", 5: "payload_offsets", 6: "payload_bytes",
            7: "vectors", 8: "inverse_norms", 12: "text", 13: "graph_header", 14: "graph_level0",
            15: "graph_upper_offsets", 16: "graph_upper"}
HEADER_FIELDS = {"magic": 0, "version": 8, "owner": 16, "collection": 32, "shard": 40, "metric": 44, "dimension": 48,
                 "sections": 52, "rows": 56, "first_seq": 64, "last_seq": 72, "file_bytes": 80, "reserved": 88,
                 "checksum": 92, "table_kind": 96, "table_checksum": 100, "table_offset": 104, "table_size": 112,
                 "zeros": HEADER_BYTES - 1}


def sections(image):
    """name → (offset, size), of the sections that hold something."""
    count, = struct.unpack_from("<I", image, 52)
    found = {}
    for entry in range(count):
        kind, _, offset, size = struct.unpack_from("<IIQQ", image, TABLE_AT + TABLE_ENTRY_BYTES * entry)
        if size:
            found[SECTIONS[kind]] = (offset, size)
    return found


def flip(at):
    def damage(path):
        image = bytearray(path.read_bytes())
        image[at] ^= 0x10
        path.write_bytes(image)
    return damage


def cut(size):
    return lambda path: path.write_bytes(path.read_bytes()[:size])


def every_damage(path):
    """name → function of a path, for files like this one."""
    image = path.read_bytes()
    found, size = sections(image), len(image)
    ways = {f"flip header {field}": flip(at) for field, at in HEADER_FIELDS.items()}
    for name, (offset, length) in found.items():
        places = {"first": offset, "middle": offset + length // 2, "last": offset + length - 1}
        ways.update({f"flip {name} {place}": flip(at) for place, at in places.items()})
    ends = sorted(offset + length for offset, length in found.values())
    gaps = [end for end in ends if end % 64]  # zeros up to the next section
    ways.update({f"flip gap at {at}": flip(at) for at in gaps[:2] if at < size})
    cuts = {0, 1, HEADER_BYTES - 1, HEADER_BYTES, size // 2, size - 64, size - 1}
    cuts |= {offset + length // 2 for name, (offset, length) in found.items() if name in ("vectors", "payload_bytes")}
    ways.update({f"cut to {at} bytes": cut(at) for at in sorted(cuts)})
    ways["one byte more"] = lambda p: p.write_bytes(p.read_bytes() + b"\0")
    ways["all zeros"] = lambda p: p.write_bytes(bytes(p.stat().st_size))
    ways["a lost block"] = lambda p: p.write_bytes(image_without_block(p.read_bytes()))
    ways["deleted"] = lambda p: p.unlink()
    return ways


def image_without_block(image):
    """A 4 KiB block in the middle that was never written."""
    at = len(image) // 2 // 4096 * 4096
    return image[:at] + bytes(min(4096, len(image) - at)) + image[at + 4096:]
