"""Writes tracebacks to the log file, without anything that looks like an API key."""

from __future__ import annotations

import os
import traceback
from datetime import datetime
from pathlib import Path

from tui_voice.config import log_path
from tui_voice.store.secrets import Redactor


def write_traceback(error: BaseException) -> Path:
    """Appends the traceback to the log file (mode 0600) and returns its path. Raises OSError."""
    path = log_path()
    moment = datetime.now().astimezone().isoformat(timespec="seconds")
    text = f"{moment}\n{''.join(traceback.format_exception(error))}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "ab") as file:
        file.write(Redactor().text(text).encode(errors="replace"))
    return path
