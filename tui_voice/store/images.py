"""Images that the user attached: files beside the journal, which names them by their SHA-256.

An image is `<id>.<first 16 digits of the SHA-256>.png` or `.jpg`, mode 0600. It goes into the trash
with the session.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui_voice.errors import StoreError, UsageError
from tui_voice.store.disk import FILE_MODE

MAX_BYTES = 5 * 1024 * 1024
"""Bytes of an image at most."""
SUFFIXES = (".png", ".jpg")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_NO_SIZE = (*range(0xD0, 0xD8), 0x01)  # markers of JPEG without a length
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of JPEG with the size in pixels


@dataclass(frozen=True, slots=True)
class Image:
    """A PNG or JPEG file in memory."""

    name: str
    """Name of the file, for the transcript."""
    data: bytes
    suffix: str
    """`.png` or `.jpg`."""
    width: int
    """Pixels."""
    height: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def read_image(path: Path) -> Image:
    """Returns an image file. Raises `UsageError` where it cannot be read, is neither PNG nor JPEG,
    or has more than `MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"The image {path} cannot be read: {reason}.") from error
    return image_of(path.name, data)


def image_of(name: str, data: bytes) -> Image:
    """Returns an image. Raises `UsageError` as `read_image` does."""
    if len(data) > MAX_BYTES:
        limit = f"{MAX_BYTES:,} bytes"
        raise UsageError(f"{name} is too large: an image may have {limit}.", "Make it smaller.")
    try:
        if data.startswith(_PNG):
            width, height = struct.unpack(">II", data[16:24])
            return Image(name, data, ".png", width, height)
        if data.startswith(_JPEG):
            return Image(name, data, ".jpg", *_jpeg_size(data))
    except struct.error:
        raise UsageError(f"{name} is a damaged image.") from None
    raise UsageError(f"{name} is neither a PNG nor a JPEG image.", "Convert it to one of these.")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels: those of the first frame. Raises `struct.error` without one."""
    at = 2
    while True:
        mark, kind = struct.unpack(">BB", data[at : at + 2])
        if mark != 0xFF:
            raise struct.error
        if kind == 0xFF:  # filling
            at += 1
        elif kind in _NO_SIZE:
            at += 2
        elif kind in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            (length,) = struct.unpack(">H", data[at + 2 : at + 4])
            at += 2 + max(2, length)


def save(journal: Path, image: Image) -> None:
    """Writes an image beside the journal, unless it is there. Raises `StoreError`."""
    path = _path(journal, image.sha256, image.suffix)
    if path.exists():
        return
    unfinished = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(image.data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"The image could not be saved: {reason}.", "Make room for it.") from error


def data_uri(journal: Path, sha256: str) -> str | None:
    """The image with this hash as a data URI; None where the file is gone or was changed."""
    for suffix in SUFFIXES:
        with suppress(OSError):
            data = _path(journal, sha256, suffix).read_bytes()
            if hashlib.sha256(data).hexdigest() == sha256:
                kind = "png" if suffix == ".png" else "jpeg"
                return f"data:image/{kind};base64,{b64encode(data).decode()}"
    return None


def images(journal: Path) -> list[Path]:
    """The images of a session."""
    return sorted(one for one in journal.parent.glob(f"{journal.stem}.*") if one.suffix in SUFFIXES)


def copy(journal: Path, new: Path) -> None:
    """Copies the images of a session to another one in the same folder. Raises `OSError`."""
    for path in images(journal):
        target = path.with_name(f"{new.stem}{path.name[len(journal.stem) :]}")
        shutil.copyfile(path, target)
        target.chmod(FILE_MODE)


def _path(journal: Path, sha256: str, suffix: str) -> Path:
    return journal.with_name(f"{journal.stem}.{sha256[:16]}{suffix}")
