"""Loads the settings: file, then profile, then environment, then flags; the last one wins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tui_voice.config.model import DEFAULT_KEYS, GROUPS, PREFIX, all_settings, type_of, variable
from tui_voice.config.paths import config_path
from tui_voice.config.settings import Settings
from tui_voice.errors import SettingsError

Choices = Mapping[str, Callable[[], Iterable[str]]]
"""`group.name` → the names that are allowed there, from a table that can be extended."""

OTHER_VARIABLES = {"CONFIG", "PROFILE", "SESSIONS_DIR", "CACHE_DIR"}
"""Environment variables with our prefix that are not settings."""
FOREIGN_VARIABLES = {"AZURE_OPENAI_ENDPOINT": "backend.azure_endpoint"}
"""Environment variables of other programs that are used where ours is not set."""

_EDIT = (
    "`tui-voice config edit` opens the file; `tui-voice config show` lists what may stand there."
)


class _Given(NamedTuple):
    """A value that a source gives to a setting."""

    key: str
    value: object
    origin: str
    """Where it was found, as error messages name it: a file, a variable, a flag."""
    is_text: bool = False
    """It comes from the environment or a flag, where a number is text, too."""


def load(
    flags: Mapping[str, object] | None = None,
    profile: str | None = None,
    env: Mapping[str, str] | None = None,
    path: Path | None = None,
    choices: Choices | None = None,
) -> Settings:
    """The settings in force.

    `flags`: `group.name` → value, as typed or converted; None means not given. `env`: used instead
    of the environment of the process. `path`: used instead of the user's settings file; it need
    not exist. `choices`: the names allowed for settings such as `context.policy`; without them any
    name is allowed. Raises SettingsError for the first value that is not allowed.
    """
    env = os.environ if env is None else env
    must_exist = path is None and bool(env.get("TUI_VOICE_CONFIG"))
    path = path or config_path(env)
    table = read_file(path, must_exist=must_exist)
    profiles = _take_profiles(table, path)
    profile = profile or env.get("TUI_VOICE_PROFILE") or None
    if profile is not None and profile not in profiles:
        known = ", ".join(profiles) or "none"
        raise SettingsError(
            f'There is no profile "{profile}" in {path}; known: {known}.',
            f"A profile is a group of settings there: [profiles.{profile}.backend].",
        )
    for name in profiles:  # a profile that is not in use must be correct, too
        if name != profile:
            _check_all(_from_profile(profiles, name, path), choices or {})
    values, origins = _check_all(
        [
            *_from_table(table, str(path)),
            *(_from_profile(profiles, profile, path) if profile else ()),
            *_from_environment(env),
            *_from_flags(flags or {}),
        ],
        choices or {},
    )
    groups: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    groups["keys"] = dict(DEFAULT_KEYS)
    for key, value in values.items():
        group, _, name = key.partition(".")
        groups[group][name] = value
    settings = Settings(
        **{group: kind(**groups[group]) for group, kind in GROUPS.items()},
        keys=groups["keys"],
        profiles=tuple(profiles),
        profile=profile,
        path=path,
        origins=origins,
    )
    _refuse_missing_url(settings)
    _refuse_shared_keys(settings)
    return settings


def read_file(path: Path, *, must_exist: bool = False) -> dict[str, Any]:
    """The TOML table in `path`; empty where there is no file. Raises SettingsError."""
    try:
        content = path.read_text(encoding="utf-8")
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
    import tomllib

    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", _EDIT) from error


def _take_profiles(table: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """Remove the profiles from the file's table and return them by name."""
    found = table.pop("profiles", {})
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise SettingsError(f"{path}: profiles is no table of [profiles.NAME.group] tables.", _EDIT)
    return found


def _from_table(table: dict[str, Any], origin: str) -> Iterator[_Given]:
    for group, inner in table.items():
        if group not in GROUPS and group != "keys":
            raise SettingsError(
                f"{origin}: there is no group {group}.{_nearest(group, [*GROUPS, 'keys'])}", _EDIT
            )
        if not isinstance(inner, dict):
            raise SettingsError(
                f"{origin}: {group} is {_shown(inner)}; allowed is a table, [{group}].", _EDIT
            )
        for name, value in inner.items():
            yield _Given(f"{group}.{name}", value, origin)


def _from_profile(profiles: dict[str, dict[str, Any]], name: str, path: Path) -> Iterator[_Given]:
    return _from_table(profiles[name], f"{path} [profiles.{name}]")


def _from_environment(env: Mapping[str, str]) -> Iterator[_Given]:
    for name, key in FOREIGN_VARIABLES.items():
        if env.get(name):
            yield _Given(key, env[name], name, is_text=True)
    by_variable = {variable(key): key for key in all_settings()}
    for name, value in env.items():
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in OTHER_VARIABLES:
            continue
        if name not in by_variable:
            raise SettingsError(
                f"The environment variable {name} sets nothing.{_nearest(name, by_variable)}",
                f"Unset it: unset {name}",
            )
        yield _Given(by_variable[name], value, name, is_text=True)


def _from_flags(flags: Mapping[str, object]) -> Iterator[_Given]:
    known = all_settings()
    for key, value in flags.items():
        if value is not None:
            flag = known[key].flag if key in known else ""
            yield _Given(key, value, flag or f"flag {key}", is_text=isinstance(value, str))


def _check_all(source: Iterable[_Given], choices: Choices) -> tuple[dict[str, Any], dict[str, str]]:
    """The values by key, and the origin of each; of two values for a key, the later one.

    Raises SettingsError for a value that is not allowed, even where a later one replaces it.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for given in source:
        for one in _with_address(given):
            values[one.key] = _check(one, choices)
            origins[one.key] = one.origin
    return values, origins


def _check(given: _Given, choices: Choices) -> Any:
    """The value, converted to the setting's type. Raises SettingsError where it is not allowed."""
    key, value, origin, is_text = given
    if key not in (known := all_settings()):
        raise SettingsError(f"{origin}: there is no setting {key}.{_nearest(key, known)}", _EDIT)
    from tui_voice.config.value_types import convert

    try:
        converted = convert(value, type_of(key), from_text=is_text)
        if key in choices and converted not in choices[key]():
            raise ValueError(f"{converted} is not in the table")
    except ValueError:
        raise SettingsError(
            f"{origin}: {key} is {_shown(value)}; allowed is {allowed(key, choices)}.",
            _remedy(origin),
        ) from None
    return converted


def allowed(key: str, choices: Choices) -> str:
    """What may stand in `group.name`: "a whole number from 0 to 100, or none"."""
    from tui_voice.config import value_types

    if key not in choices:
        return value_types.allowed(type_of(key))
    address = ", or a ws:// address" if key == "backend.kind" else ""
    return value_types.one_of(choices[key]()) + address


def _with_address(given: _Given) -> Iterator[_Given]:
    """`--backend ws://host` is short for the backend `ws` and that address."""
    if given.key == "backend.kind" and isinstance(given.value, str) and "://" in given.value:
        yield given._replace(key="backend.url")
        yield given._replace(value="ws")
    else:
        yield given


def _refuse_missing_url(settings: Settings) -> None:
    """Raises SettingsError where a chat server shall write the summaries and none is named."""
    if settings.summary.by == "url" and not settings.summary.url:
        raise SettingsError(
            f'{settings.origin("summary.by")}: summary.by is "url", and summary.url is not set.',
            f"Set summary.url, in the file or as {variable('summary.url')}.",
        )


def _refuse_shared_keys(settings: Settings) -> None:
    """Raises SettingsError where two actions have the same key."""
    action_of: dict[str, str] = {}
    for action, key in settings.keys.items():
        if key in action_of:
            origins = (settings.origins.get(f"keys.{one}") for one in (action, action_of[key]))
            raise SettingsError(
                f'{next(filter(None, origins), "keys")}: keys.{action} is "{key}", and '
                f"keys.{action_of[key]} is too.",
                "Give each action a key of its own.",
            )
        action_of[key] = action


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _shown(value: object) -> str:
    """What was found, shortened; an API key that was put in the wrong place is not repeated."""
    if not isinstance(value, str):
        return str(value)[:60]
    secret = value.startswith(("sk-", "ek_")) or "@" in value or len(value) > 60
    return "a text that is not shown here" if secret else f'"{value}"'


def _remedy(origin: str) -> str:
    if origin.startswith(PREFIX):
        return f"Change it, or unset {origin}."
    return _EDIT if "/" in origin or "\\" in origin else "`tui-voice --help` explains the flags."
