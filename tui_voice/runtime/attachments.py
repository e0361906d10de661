"""Reads an image that the user attaches: from a file, or from the clipboard of the desktop."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from secrets import token_hex

from tui_voice.conversation import events as e
from tui_voice.errors import UsageError
from tui_voice.store import images

CLIPBOARD_S = 3.0
"""Seconds that the program which reads the clipboard may take."""
CLIPBOARD_COMMANDS = (
    ("wl-paste", "--type", "image/png"),
    ("xclip", "-selection", "clipboard", "-t", "image/png", "-o"),
    ("pngpaste", "-"),
)
"""Programs that print the image in the clipboard: of Wayland, of X11, of macOS."""


def attach(journal: Path, file: Path | None) -> e.ImageAttached:
    """Saves the image beside the journal and returns its event. `file` None: the clipboard.

    Raises `UsageError` where it is no image that can be sent, `StoreError` where it cannot be
    saved.
    """
    image = images.read_image(file) if file is not None else _from_clipboard()
    images.save(journal, image)
    return e.ImageAttached(
        item_id=f"image_{token_hex(8)}",
        file=image.name,
        sha256=image.sha256,
        size=len(image.data),
        width=image.width,
        height=image.height,
    )


def _from_clipboard() -> images.Image:
    found = [command for command in CLIPBOARD_COMMANDS if shutil.which(command[0])]
    if not found:
        names = ", ".join(command[0] for command in CLIPBOARD_COMMANDS)
        raise UsageError(
            f"The clipboard cannot be read: none of {names} is installed.", "Name a file."
        )
    for command in found:
        try:
            printed = subprocess.run(command, capture_output=True, timeout=CLIPBOARD_S, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        if printed.stdout:
            return images.image_of("clipboard.png", printed.stdout)
    raise UsageError("There is no image in the clipboard.", "Copy one, or name a file.")
