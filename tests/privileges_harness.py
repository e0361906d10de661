"""Runs a part of a test with the rights of an ordinary user, where the tests run as root.

Root reads and writes every file. On Linux that is a capability of the thread, which it can drop and
take again; its own files are then like those of any user, and those of others are closed to it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOMEBODY_ELSE = 65534
"""User and group `nobody`."""
_VERSION_3 = 0x20080522
_ANY_FILE = 1 << 1 | 1 << 2 | 1 << 3
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER (capability.h)."""

can_drop = os.name == "posix" and (os.geteuid() != 0 or sys.platform == "linux")
can_give_away = sys.platform == "linux" and os.geteuid() == 0
"""Whether a test can create files of somebody else."""


@contextmanager
def ordinary_user() -> Iterator[None]:
    """This thread, and those that it starts meanwhile, obey the permissions of files."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    before = (ctypes.c_uint32 * 6)()
    _check(libc.capget(header, before))
    fewer = type(before)(*before)
    fewer[0] &= ~_ANY_FILE  # of the first 32 capabilities: effective, permitted, inheritable
    _check(libc.capset(header, fewer))
    try:
        yield
    finally:
        _check(libc.capset(header, before))


def give_away(path: Path, mode: int) -> None:
    """Makes the path somebody else's, with these permissions."""
    path.chmod(mode)
    os.chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE)


def _check(status: int) -> None:
    if status:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
