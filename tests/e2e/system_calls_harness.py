"""Watches a program and its children by strace: names looked up, connections, files written.

watch = SystemCalls(folder)
subprocess.run([*watch.command, "tui-voice", …])
watch.connections()      # ["AF_INET 203.0.113.7:443"]: none to this machine is among them
watch.written_outside(home)
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.requirements_harness import require

_CALLS = (
    *("connect", "sendto", "sendmsg", "sendmmsg"),
    *("open", "openat", "openat2", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2"),
    *("link", "linkat", "symlink", "symlinkat"),
)
_ADDRESS = re.compile(
    r"sa_family=(AF_\w+)(?:, sin6?_port=htons\((\d+)\))?"
    r"(?:.*?inet_(?:addr|pton)\((?:AF_INET6?, )?\"([^\"]+)\")?(?:.*?sun_path=@?\"([^\"]*)\")?"
)
_WRITING = re.compile(r"O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HERE = ("127.", "::1", "::ffff:127.")
_NAME_SERVICES = ("resolve", "avahi", "mdns")
"""Parts of the paths of local sockets that look up names on the network."""
_NO_FILES = ("/dev/", "/proc/", "/sys/", "/memfd:", "pipe:")
"""Places that are not on a disk."""


class SystemCalls:
    """The calls of one watched program. `folder`: for the log."""

    def __init__(self, folder: Path) -> None:
        strace = shutil.which("strace")
        require(strace, "strace is missing (apt: strace)")
        self._log = folder / "strace.log"
        calls = ",".join(f"?{call}" for call in _CALLS)
        self.command = (
            *(str(strace), "-f", "--seccomp-bpf", "-s", "400", "-qq"),
            *("-e", f"trace={calls}", "-e", "signal=none", "-o", str(self._log)),
        )

    def lines(self) -> list[str]:
        """The calls, one a line, without the process number."""
        return [line.partition(" ")[2].strip() for line in self._log.read_text().splitlines()]

    def connections(self) -> list[str]:
        """Where data went, or was to go: other machines, and whatever looks up names."""
        found = []
        for line in self.lines():
            if not line.startswith(("connect", "send")) or not (at := _ADDRESS.search(line)):
                continue
            family, port, address, path = at.groups()
            if family in ("AF_INET", "AF_INET6"):
                if port == "53" or not (address or "").startswith(_HERE):
                    found.append(f"{family} {address}:{port}")
            elif family == "AF_UNIX" and any(name in (path or "") for name in _NAME_SERVICES):
                found.append(f"{family} {path}")
        return found

    def written_outside(self, *folders: Path) -> list[str]:
        """Files and folders that were created, or opened for writing, outside these folders."""
        ours = tuple(f"{folder}/" for folder in folders) + tuple(map(str, folders))
        found = []
        for line in self.lines():
            call = line.partition("(")[0]
            if call.startswith("open") and not _WRITING.search(line):
                continue
            if call.startswith(("connect", "send")) or " = -1 " in line:
                continue
            for path in _PATH.findall(line)[-1:]:
                if path.startswith("/") and not path.startswith((*ours, *_NO_FILES)):
                    found.append(f"{call} {path}")
        return found
