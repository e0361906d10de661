"""Loads the settings: file, then profile, then environment, then flags; the last one wins.

The profile is named by `--profile` or `session.profile`. It is one of the file, or else one that
comes with the program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tui_voice.config.model import (
    DEFAULT_KEYS,
    GROUPS,
    NEWER_KEYS,
    all_settings,
    share_a_screen,
    type_of,
    variable,
)
from tui_voice.config.paths import config_path
from tui_voice.config.settings import Settings
from tui_voice.config.shipped_profiles import read_shipped, shipped_profiles
from tui_voice.config.sources import (
    EDIT_HINT,
    Given,
    from_environment,
    from_flags,
    from_profiles,
    from_table,
    nearest,
    parsed,
    read_file,
    shown,
    take_profiles,
)
from tui_voice.config.tool_servers import tool_servers
from tui_voice.errors import SettingsError

Choices = Mapping[str, Callable[[], Iterable[str]]]
"""`group.name` → the names that are allowed there, from a table that can be extended."""


def load(
    flags: Mapping[str, object] | None = None,
    profile: str | None = None,
    env: Mapping[str, str] | None = None,
    path: Path | None = None,
    choices: Choices | None = None,
    content: str | None = None,
) -> Settings:
    """Returns the settings in force.

    `flags`: `group.name` → value, as typed or converted; None means not given. `env`: used instead
    of the environment of the process. `path`: used instead of the user's settings file; it need
    not exist. `choices`: the names allowed for settings such as `context.policy`; without them any
    name is allowed; "keys" has the actions of the group `keys`. `content`: used instead of what
    the file contains. Raises SettingsError for the first value that is not allowed.
    """
    env = os.environ if env is None else env
    must_exist = path is None and bool(env.get("TUI_VOICE_CONFIG"))
    path = path or config_path(env)
    table = read_file(path, must_exist=must_exist) if content is None else parsed(content, path)
    servers = tool_servers(table.pop("tools", None), str(path))
    profiles = from_profiles(take_profiles(table, path), path)
    choices = choices or {}
    for one in profiles.values():  # a profile that is not in use must be correct, too
        _check_all(one, choices)
    in_file = list(from_table(table, str(path)))
    later = [*from_environment(env), *from_flags(flags or {})]
    chosen = _chosen_profile(in_file, later, profile, env)
    in_force = None if chosen is None else _check(chosen, choices)
    if profile == "":
        raise SettingsError("--profile is empty.", "`--profile none` takes no profile.")
    from_profile = _values_of(in_force, profiles, path)
    given = [*in_file, *from_profile, *later, *([chosen] if chosen else ())]
    values, origins = _check_all(given, choices)
    groups: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    groups["keys"] = dict(DEFAULT_KEYS)
    taken = [(key[5:], value) for key, value in values.items() if key.startswith("keys.")]
    for action in NEWER_KEYS:
        for other, key in taken:  # chosen for another action, when this one had no key
            if key == DEFAULT_KEYS[action] and share_a_screen(action, other):
                groups["keys"][action] = ""
    for key, value in values.items():
        group, _, name = key.partition(".")
        groups[group][name] = value
    settings = Settings(
        **{group: kind(**groups[group]) for group, kind in GROUPS.items()},
        keys=groups["keys"],
        tools=servers,
        profiles=tuple(profiles),
        profile=in_force,
        profile_is_explicit=chosen is not None and chosen not in in_file,
        path=path,
        origins=origins,
    )
    _refuse_missing_url(settings)
    _refuse_shared_keys(settings)
    return settings


def _chosen_profile(
    in_file: Iterable[Given], later: Iterable[Given], profile: str | None, env: Mapping[str, str]
) -> Given | None:
    """Returns what names the profile; None: nothing does.

    The strongest is the setting `session.profile` as a flag, which the screen gives; then
    `--profile` (`profile`), TUI_VOICE_PROFILE, the setting in the environment, and in the file.
    """
    named = [given for given in (*in_file, *later) if given.key == "session.profile"]
    if env.get("TUI_VOICE_PROFILE"):
        by_variable = env["TUI_VOICE_PROFILE"]
        named.append(Given("session.profile", by_variable, "TUI_VOICE_PROFILE", is_text=True))
    if profile is not None:
        named.append(Given("session.profile", profile, "--profile", is_text=True))
    named.sort(key=lambda given: given.origin == "flag session.profile")
    return named[-1] if named else None


def _values_of(name: str | None, profiles: Mapping[str, list[Given]], path: Path) -> list[Given]:
    """Returns the values of a profile, the user's own or a shipped one. Raises SettingsError."""
    if name is None:
        return []
    if name in profiles:
        return profiles[name]
    shipped = shipped_profiles()
    if name not in shipped:
        known = ", ".join(dict.fromkeys([*profiles, *shipped]))
        raise SettingsError(
            f'There is no profile "{name}" in {path}; known: {known}.',
            f"A profile is a group of settings there: [profiles.{name}.backend].",
        )
    return list(from_table(read_shipped(name), str(shipped[name])))


def _check_all(source: Iterable[Given], choices: Choices) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the values by key, and the origin of each; of two values for a key, the later one.

    Raises SettingsError for a value that is not allowed, even where a later one replaces it.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for given in source:
        for one in _with_address(given):
            values[one.key] = _check(one, choices)
            origins[one.key] = one.origin
    return values, origins


def _check(given: Given, choices: Choices) -> Any:
    """Returns the value in the setting's type. Raises SettingsError where it is not allowed."""
    key, value, origin, is_text = given
    known = all_settings()
    if key not in known and not _is_added_key(key, choices):
        raise SettingsError(f"{origin}: there is no setting {key}.{nearest(key, known)}", EDIT_HINT)
    from tui_voice.config.value_types import PlaceError, convert

    try:
        converted = convert(value, type_of(key), from_text=is_text)
        if key in choices and converted not in choices[key]():
            raise ValueError(f"{converted} is not in the table")
    except PlaceError as error:
        raise SettingsError(f"{origin}: {key} {error}.", _remedy(origin)) from None
    except ValueError:
        raise SettingsError(
            f"{origin}: {key} is {shown(value)}; allowed is {allowed(key, choices)}.",
            _remedy(origin),
        ) from None
    return converted


def _is_added_key(key: str, choices: Choices) -> bool:
    """Returns whether `key` is `keys.NAME` for an action that a table adds, such as a screen."""
    group, _, name = key.partition(".")
    return group == "keys" and "keys" in choices and name in choices["keys"]()


def allowed(key: str, choices: Choices) -> str:
    """Returns what may stand in `group.name`: "a whole number from 0 to 100, or none"."""
    from tui_voice.config import value_types

    if key not in choices:
        return value_types.allowed(type_of(key))
    address = ", or a ws:// address" if key == "backend.kind" else ""
    return value_types.one_of(choices[key]()) + address


def _with_address(given: Given) -> Iterator[Given]:
    """Replaces `--backend ws://host` by the backend `ws` and that address."""
    if given.key == "backend.kind" and isinstance(given.value, str) and "://" in given.value:
        yield given._replace(key="backend.url")
        yield given._replace(value="ws")
    else:
        yield given


def _refuse_missing_url(settings: Settings) -> None:
    """Raises SettingsError where `summary.by` is "url" and `summary.url` is not set."""
    if settings.summary.by == "url" and not settings.summary.url:
        raise SettingsError(
            f'{settings.origin("summary.by")}: summary.by is "url", and summary.url is not set.',
            f"Set summary.url, in the file or as {variable('summary.url')}.",
        )


def _refuse_shared_keys(settings: Settings) -> None:
    """Raises SettingsError where two actions have the same key."""
    actions_of: dict[str, list[str]] = {}
    for action, key in settings.keys.items():
        others = actions_of.setdefault(key, [])
        other = next((one for one in others if key and share_a_screen(action, one)), None)
        if other is not None:
            origins = (settings.origins.get(f"keys.{one}") for one in (action, other))
            raise SettingsError(
                f'{next(filter(None, origins), "keys")}: keys.{action} is "{key}", and '
                f"keys.{other} is too.",
                "Give each action a key of its own.",
            )
        others.append(action)


def _remedy(origin: str) -> str:
    if origin.startswith(("--", "flag ")):
        return "`tui-voice --help` explains the flags."
    is_file = "/" in origin or "\\" in origin
    return EDIT_HINT if is_file else f"Change it, or unset {origin}."
