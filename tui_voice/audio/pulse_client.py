"""Lets libpulse connect without shared memory, and keeps all other settings of the user.

Where a server ends while libpulse 16.1 agrees with it on shared memory, libpulse loops for ever in
`pa_pstream_unlink`, which takes a core until the program ends. Shared memory can be refused in a
settings file only, so libpulse is given a file that includes those of the user. Sound at 24 kHz
gains nothing from shared memory.
Source: pulse-client.conf(5)
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from tui_voice.config.paths import cache_dir

_VARIABLE = "PULSE_CLIENTCONFIG"
"""Names the settings file to libpulse, which reads it at each connection."""


def refuse_shared_memory() -> None:
    """Writes the settings file and names it to libpulse in this process and those that it starts.

    Nothing changes where the file cannot be written, and on other systems than Linux.
    """
    named = os.environ.get(_VARIABLE)
    if not sys.platform.startswith("linux") or (named and Path(named).parent == cache_dir()):
        return
    lines = [*(f".include {file}" for file in _files_of_user(named)), "enable-shm = no"]
    content = "\n".join([*lines, ""]).encode()
    file = cache_dir() / f"pulse-client-{zlib.crc32(content):08x}.conf"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_bytes(content)
        new.replace(file)
    except OSError:
        return
    os.environ[_VARIABLE] = str(file)


def _files_of_user(named: str | None) -> Iterator[Path]:
    """Yields the files that libpulse would read: the first of its places that has one, and those in
    the folder beside it. `named`: the value of the variable."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    user, system = config / "pulse/client.conf", Path("/etc/pulse/client.conf")
    places = [Path(named)] if named else [Path.home() / ".pulse/client.conf", user, system]
    for file in places:
        if file.is_file():
            yield file
            yield from sorted(file.with_name(f"{file.name}.d").glob("*.conf"))
            return
