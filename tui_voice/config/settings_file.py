"""Changes one setting in the text of a settings file, and writes that file.

    text = changed(text, ("context",), "keep", 8)         # comments and order stay
    write(path, before, text)

tomlkit is imported when a setting is saved: that takes about 20 ms.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui_voice.config.sources import read_text
from tui_voice.errors import SettingsError

_OTHER_FILE = "Name another file in TUI_VOICE_CONFIG."


def read(path: Path) -> str:
    """Returns the text of the file, "" where there is none. Raises SettingsError."""
    try:
        return read_text(path)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"The settings in {path} cannot be read: {reason}.", "") from error


def found(text: str, tables: Sequence[str], name: str) -> Any:
    """Returns the value of `name` in a table of the text, None where it has none."""
    import tomlkit

    inner: Any = tomlkit.parse(text).unwrap()
    for table in tables:
        inner = inner.get(table, {}) if isinstance(inner, dict) else {}
    return inner.get(name) if isinstance(inner, dict) else None


def changed(text: str, tables: Sequence[str], name: str, value: object) -> str:
    """Returns the text with another value for `name` in the table `[tables.…]`; None removes it.

    Where the table explains the setting in a comment `# name = default`, a new value is put below
    that comment; else at the end of the table.
    """
    import tomlkit

    document = tomlkit.parse(text)
    inner: MutableMapping[str, Any] = document
    for table in tables:
        if table not in inner:
            if value is None:
                return text
            inner[table] = tomlkit.table()
        inner = inner[table]
    if value is None:
        inner.pop(name, None)
    elif isinstance(value, str) and "\n" in value:
        inner[name] = tomlkit.string(value, multiline=True)
    elif (
        isinstance(value, dict)
        or name in inner
        or not (explained := _below_comment(text, tables, name, value))
    ):
        inner[name] = value
    else:
        return explained
    return tomlkit.dumps(document)


def _below_comment(text: str, tables: Sequence[str], name: str, value: object) -> str:
    """Returns the text with the value below its comment; "" where there is no such comment."""
    import tomlkit

    line = f"{tomlkit.key(name).as_string()} = {tomlkit.item(value).as_string()}"
    header = re.escape(".".join(tables))
    commented = rf"(?ms)^\[{header}\][^\n]*\n(?:(?!\[)[^\n]*\n)*?# ?{re.escape(name)} = [^\n]*\n"
    if (place := re.search(commented, text)) is None:
        return ""
    longer = f"{text[: place.end()]}{line}\n{text[place.end() :]}"
    # What looks like a comment may be a line of a text.
    return longer if found(longer, tables, name) == value else ""


def write(path: Path, before: str, text: str) -> None:
    """Replaces the file, which contained `before`, at once: a reader sees the old or the new text.

    Its mode is 0600, and a link stays a link. Raises SettingsError where the file cannot be
    written, and where another program has changed it since it was read.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise SettingsError(f"The settings cannot be saved: {path} is no file.", _OTHER_FILE)
    unfinished = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, unfinished = tempfile.mkstemp(".tmp", target.name, target.parent)  # mode 0600
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if read(target) != before:
            raise SettingsError(
                f"{path} was changed by another program at this moment.", "Try again."
            )
        os.replace(unfinished, target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"The settings cannot be saved in {path}: {reason}.",
            _OTHER_FILE,
        ) from error
    finally:
        if unfinished:
            with suppress(OSError):
                os.unlink(unfinished)
