"""Keeps what a model has computed for a fixed beginning of its prompts, in a file of the cache.

llama.cpp ends the process where it reads a damaged file, so the name of the file contains the
SHA-256 of its content, and another content is not read.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import file_digest
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from tui_voice.server.local.llama_cpp import LlamaServer

_TIMEOUT_S = 5.0


class PromptState:
    """The file of one model and one beginning, both named by `name`, in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def restore(self, server: LlamaServer) -> bool:
        """Gives the model its state back; returns False where there is none, or a damaged one."""
        for file in self._folder.glob(f"{self._name}-*"):
            with suppress(OSError):
                with file.open("rb") as content:
                    is_whole = file.name == self._named(file_digest(content, "sha256").hexdigest())
                if is_whole and _ask(server, "restore", file.name):
                    return True
                file.unlink()
        return False

    def save(self, server: LlamaServer) -> None:
        """Saves the state of the model; where that fails, the next start computes it again."""
        unfinished = self._folder / f"{self._name}.{os.getpid()}"
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.touch(mode=0o600)
            try:
                if _ask(server, "save", unfinished.name):
                    with unfinished.open("rb") as content:
                        sha256 = file_digest(content, "sha256").hexdigest()
                    unfinished.replace(self._folder / self._named(sha256))
            finally:
                unfinished.unlink(missing_ok=True)

    def _named(self, sha256: str) -> str:
        return f"{self._name}-{sha256[:32]}"


def _ask(server: LlamaServer, action: str, file: str) -> bool:
    """Has llama.cpp save or restore the state of its one slot; returns whether it did."""
    address = urlsplit(server.url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=_TIMEOUT_S)
    try:
        connection.request(
            "POST",
            f"/slots/0?action={action}",
            json.dumps({"filename": file}),
            {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"},
        )
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
