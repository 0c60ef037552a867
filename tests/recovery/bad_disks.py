"""Disks that get full: the shim in front of the C library, which runs everywhere, and a small file system of our own."""
import os
import subprocess

import pytest

from faultfs import FaultDisk

TMPFS_BYTES = 256 << 20


class ShimDisk:
    """`words` say what a full disk does to the node: docs in faultfs.c."""

    def __init__(self, directory, words):
        self.disk, self.words = FaultDisk(directory), words
        self.directory = directory
        self.environment = self.disk.environment

    def fill(self):
        self.disk.set(self.words)

    def free(self):
        self.disk.set("off")

    def close(self):
        """Nothing to undo: the control file goes with the node's directory."""


class TmpfsDisk:
    """A real file system, filled to the last byte by somebody else's file."""

    environment = {}

    def __init__(self, directory):
        self.directory = directory
        self.mount = directory / "data"
        self.mount.mkdir(parents=True)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(self.mount)],
                              capture_output=True, text=True) if os.geteuid() == 0 else None
        if made is None or made.returncode != 0:
            pytest.skip("mounting a tmpfs takes root")

    @property
    def ballast(self):
        return self.mount / "ballast"

    def fill(self):
        with open(self.ballast, "ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    file.write(b"b" * size)
                except OSError:
                    size //= 2

    def free(self):
        self.ballast.unlink(missing_ok=True)

    def close(self):
        subprocess.run(["umount", "-l", str(self.mount)], check=True)


# Refused before it is full; the next write fails; a write is cut in two; names can't be made either; a full tmpfs.
DISKS = {
    "statvfs-only": lambda d: ShimDisk(d, "full"),
    "failing-writes": lambda d: ShimDisk(d, "enospc"),
    "torn-write": lambda d: ShimDisk(d, "budget=150000"),
    "no-new-files": lambda d: ShimDisk(d, "full enospc enospc-create"),
    "tmpfs": TmpfsDisk,
}
