"""Where settings are written: the file, the profiles in it, the environment and the flags.

Each source is turned into `Given` values; `loading.py` merges and checks them.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tui_voice.config.model import GROUPS, PREFIX, all_settings, variable
from tui_voice.errors import SettingsError

OTHER_VARIABLES = {"CONFIG", "PROFILE", "SESSIONS_DIR", "CACHE_DIR"}
"""Environment variables with our prefix that are not settings."""
FOREIGN_VARIABLES = {"AZURE_OPENAI_ENDPOINT": "backend.azure_endpoint"}
"""Environment variables of other programs that are used where ours is not set."""

_LARGEST = 4_000_000
"""Bytes. No settings file is as large."""
_LONGEST_NUMBER = 100_000
"""Digits of a number that is still read, in order to say where it stands."""
EDIT_HINT = "`tui-voice config edit` opens the file; `tui-voice config show` lists all settings."


class Given(NamedTuple):
    """A value that a source gives to a setting."""

    key: str
    value: object
    origin: str
    """Where it was found, as error messages name it: a file, a variable, a flag."""
    is_text: bool = False
    """It comes from the environment or a flag, where a number is text, too."""


def read_file(path: Path, *, must_exist: bool = False) -> dict[str, Any]:
    """Returns the TOML table in `path`, empty where there is no file. Raises SettingsError."""
    try:
        content = read_text(path)
    except FileNotFoundError:
        if must_exist:
            raise SettingsError(
                f"TUI_VOICE_CONFIG names {path}, and there is no such file.",
                "Unset it, or let `tui-voice config edit` make the file.",
            ) from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(
            f"The settings in {path} cannot be read: {reason}.", "Repair or move the file."
        ) from error
    return parsed(content, path)


def read_text(path: Path) -> str:
    """Returns the text of the file, without the mark (BOM) that editors of Windows begin it with.

    Raises OSError, UnicodeDecodeError; SettingsError for what is no file, or too large to be one.
    """
    if path == Path(os.devnull):
        return ""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a pipe or a device"
        raise SettingsError(f"The settings cannot be read: {path} is {kind}.", "Name a file.")
    if about.st_size > _LARGEST:
        size = f"{about.st_size / 1e6:.0f} MB"
        raise SettingsError(f"{path} is no settings file: it has {size}.", "Name another file.")
    return path.read_bytes().decode("utf-8-sig")


def parsed(content: str, path: Path) -> dict[str, Any]:
    """Returns the TOML table in a text; `path` is for messages. Raises SettingsError."""
    import tomllib

    digits = sys.get_int_max_str_digits()
    try:
        # A number that is far too long must be found by the check of its setting, which names it.
        sys.set_int_max_str_digits(_LONGEST_NUMBER)
        return tomllib.loads(content)
    except RecursionError:
        raise SettingsError(f"{path} is nested too deeply.", EDIT_HINT) from None
    except ValueError as error:
        if isinstance(error, tomllib.TOMLDecodeError):
            reason = f"is not valid TOML: {error}"
        else:
            reason = "contains a number with too many digits"
        raise SettingsError(f"{path} {reason}.", EDIT_HINT) from error
    finally:
        sys.set_int_max_str_digits(digits)


def take_profiles(table: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """Removes the profiles from the file's table and returns them by name."""
    found = table.pop("profiles", {})
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise SettingsError(
            f"{path}: profiles is no table of [profiles.NAME.group] tables.", EDIT_HINT
        )
    return found


def from_table(table: dict[str, Any], origin: str) -> Iterator[Given]:
    """Returns the values in a table of groups. Raises SettingsError for an unknown group."""
    for group, inner in table.items():
        if group not in GROUPS and group != "keys":
            raise SettingsError(
                f"{origin}: there is no group {group}.{nearest(group, [*GROUPS, 'keys'])}",
                EDIT_HINT,
            )
        if not isinstance(inner, dict):
            raise SettingsError(
                f"{origin}: {group} is {shown(inner)}; allowed is a table, [{group}].", EDIT_HINT
            )
        for name, value in inner.items():
            yield Given(f"{group}.{name}", value, origin)


def from_profiles(profiles: dict[str, dict[str, Any]], path: Path) -> dict[str, list[Given]]:
    """Returns the values of each profile. Raises SettingsError, also for one that names another."""
    found = {
        name: list(from_table(table, f"{path} [profiles.{name}]"))
        for name, table in profiles.items()
    }
    for values in found.values():
        for given in values:
            if given.key == "session.profile":
                raise SettingsError(
                    f"{given.origin}: session.profile cannot be set in a profile.", EDIT_HINT
                )
    return found


def from_environment(env: Mapping[str, str]) -> Iterator[Given]:
    """Returns the values of our variables, after those of other programs. Raises SettingsError."""
    for name, key in FOREIGN_VARIABLES.items():
        if env.get(name):
            yield Given(key, env[name], name, is_text=True)
    by_variable = {variable(key): key for key in all_settings()}
    for name, value in env.items():
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in OTHER_VARIABLES:
            continue
        if name not in by_variable:
            raise SettingsError(
                f"The environment variable {name} sets nothing.{nearest(name, by_variable)}",
                f"Unset it: unset {name}",
            )
        yield Given(by_variable[name], value, name, is_text=True)


def from_flags(flags: Mapping[str, object]) -> Iterator[Given]:
    """Returns the values of the flags that were given."""
    known = all_settings()
    for key, value in flags.items():
        if value is not None:
            flag = known[key].flag if key in known else ""
            yield Given(key, value, flag or f"flag {key}", is_text=isinstance(value, str))


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns ` Did you mean NAME?`, to be put after a sentence; "" where nothing is similar."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def shown(value: object) -> str:
    """Returns what was found, shortened, and without an API key that was put in the wrong place."""
    if not isinstance(value, str):
        try:
            return str(value)[:60]
        except ValueError:  # Python writes no number of more than 4 300 digits
            return "a number that is too long to be shown"
    secret = value.startswith(("sk-", "ek_")) or "@" in value or len(value) > 60
    return "a text that is not shown here" if secret else f'"{value}"'
