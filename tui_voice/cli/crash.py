"""Tracebacks go to a file of the user's own, with what looks like a key taken out."""

from __future__ import annotations

import os
import re
import traceback
from datetime import datetime
from pathlib import Path

from tui_voice.config import log_path
from tui_voice.config.secrets import KEY_VARIABLES

_KEY_LIKE = re.compile(r"\b(sk|ek|sess)[-_][A-Za-z0-9_-]{8,}|(?i:bearer\s+)\S+")


def write_traceback(error: BaseException) -> Path:
    """Append the traceback to the log file (mode 0600); returns its path. Raises OSError."""
    path = log_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = datetime.now().astimezone().isoformat(timespec="seconds")
    text = "".join(traceback.format_exception(error))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "a", encoding="utf-8") as file:
        file.write(f"{moment}\n{redact(text)}\n")
    return path


def redact(text: str) -> str:
    """`text` without API keys: neither those of this run, nor what has their form."""
    for name in KEY_VARIABLES.values():
        if key := os.environ.get(name, "").strip():
            text = text.replace(key, "[key]")
    return _KEY_LIKE.sub("[key]", text)
