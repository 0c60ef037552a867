"""Control of the failing disk (faultfs.c) under a node's data directory."""
import os

from node import built

CONTROL_BYTES = 256


class FaultDisk:
    """Give `environment` to the node, then say `set("enospc")`, `set("off")` at any moment."""

    def __init__(self, directory):
        self.data_dir = directory / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.control = directory / "faultfs.control"
        self.control.write_bytes(b" " * CONTROL_BYTES)

    @property
    def environment(self):
        return {
            "LD_PRELOAD": str(built("tests/support/faultfs.so")),
            "FAULTFS_DIR": str(self.data_dir),
            "FAULTFS_CONTROL": str(self.control),
        }

    def set(self, words):
        if words == "off" and not os.path.exists(self.control):
            return  # the node's directory is gone, and the fault with it
        fd = os.open(self.control, os.O_WRONLY)
        try:
            os.pwrite(fd, words.encode().ljust(CONTROL_BYTES), 0)
        finally:
            os.close(fd)
