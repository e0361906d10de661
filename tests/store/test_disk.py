"""The disk, as each operating system needs it."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from tui_voice.store.disk import Disk


def test_a_sync_reaches_the_drive_on_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    fd = disk.create(tmp_path / "x")
    synced: list[object] = []
    control = types.SimpleNamespace(F_FULLFSYNC=51, fcntl=lambda *args: synced.append(args))
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "fcntl", control)
        disk.sync(fd)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "fdatasync", raising=False)
    monkeypatch.setattr(os, "fsync", synced.append)
    disk.sync(fd)
    assert synced == [(fd, 51), fd]
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        disk.sync_folder(tmp_path)  # folders cannot be synced there
    assert len(synced) == 2
    disk.close(fd)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


def test_the_tail_is_what_stands_behind_the_last_line_break(tmp_path: Path) -> None:
    disk = Disk()
    path = tmp_path / "x"
    for content, tail in (
        (b"", b""),
        (b"abc", b"abc"),
        (b"abc\n", b""),
        (b"abc\nde", b"de"),
        (b"a\n" + b"b" * 200_000, b"b" * 200_000),
    ):
        path.write_bytes(content)
        fd = disk.open(path)
        assert disk.tail(fd) == tail
        disk.close(fd)
