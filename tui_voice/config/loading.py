"""Settings from the file, the chosen profile in it, the environment and flags; the last wins."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tui_voice.config.groups import GROUPS, Spec, specs
from tui_voice.config.places import config_path
from tui_voice.config.settings import Settings
from tui_voice.errors import SettingsError

PREFIX = "TUI_VOICE_"
OTHER_VARIABLES = {"CONFIG", "PROFILE", "SESSIONS_DIR", "CACHE_DIR"}
"""Variables of ours that are no settings."""
BORROWED = {"AZURE_OPENAI_ENDPOINT": "backend.azure_endpoint"}
"""Variables that other programs use too; ours come before them."""


def load(
    flags: Mapping[str, object] | None = None,
    profile: str | None = None,
    env: Mapping[str, str] | None = None,
    path: Path | None = None,
) -> Settings:
    """The settings in force.

    `flags`: `group.name` → value, as typed or converted; None means not given. `env`: instead of
    the process's. `path`: instead of the user's settings file; it need not exist.
    Raises SettingsError for the first value that is not allowed.
    """
    env = os.environ if env is None else env
    named = path is None and bool(env.get("TUI_VOICE_CONFIG"))
    path = path or config_path(env)
    table = read_file(path, must_exist=named)
    profile = profile or env.get("TUI_VOICE_PROFILE") or None
    profiles = _profiles(table, path)
    if profile is not None and profile not in profiles:
        known = ", ".join(profiles) or "none"
        raise SettingsError(
            f'There is no profile "{profile}" in {path}; known: {known}.',
            f"A profile is a group of settings there: [profiles.{profile}.backend].",
        )
    merged = _Merged(specs())
    merged.take(_flat(table, str(path)), text=False)
    for name, inner in profiles.items():  # a wrong one is refused even while it is not in use
        target = merged if name == profile else _Merged(merged.specs)
        target.take(_flat(inner, f"{path} [profiles.{name}]"), text=False)
    merged.take(_from_env(env, merged.specs), text=True)
    for key, value in (flags or {}).items():
        if value is not None:
            flag = merged.spec(key, "flags").flag
            merged.put(key, value, flag or f"flag {key}", text=isinstance(value, str))
    return merged.settings(profiles=tuple(profiles), profile=profile, path=path)


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
            f"The settings in {path} cannot be read: {reason}.", "Mend or move the file."
        ) from error
    import tomllib

    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", _EDIT) from error


_EDIT = (
    "`tui-voice config edit` opens the file; `tui-voice config show` lists what may stand there."
)


class _Merged:
    """Values gathered from one source after another, each checked as it comes."""

    def __init__(self, known: dict[str, Spec]) -> None:
        self.specs = known
        self._values: dict[str, Any] = {}
        self._origins: dict[str, str] = {}

    def take(self, given: Iterator[tuple[str, object, str]], *, text: bool) -> None:
        """Each given as (key, value, origin); `text`: the values are text to be converted."""
        for key, value, origin in given:
            self.put(key, value, origin, text=text)

    def put(self, key: str, value: object, origin: str, *, text: bool) -> None:
        spec = self.spec(key, origin)
        if key == "backend.kind" and isinstance(value, str) and "://" in value:
            self.put("backend.url", value, origin, text=text)
            value = "ws"
        try:
            self._values[key] = spec.check.read(value, text=text)
        except ValueError:
            allowed = spec.check.allowed + (", or a ws:// address" * (key == "backend.kind"))
            raise SettingsError(
                f"{origin}: {key} is {_shown(value)}; allowed is {allowed}.", _remedy(origin)
            ) from None
        self._origins[key] = origin

    def spec(self, key: str, origin: str) -> Spec:
        if key in self.specs:
            return self.specs[key]
        raise SettingsError(
            f"{origin}: there is no setting {key}.{_nearest(key, self.specs)}", _EDIT
        )

    def settings(self, **rest: Any) -> Settings:
        groups: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
        keys = {k.removeprefix("keys."): s.default for k, s in self.specs.items() if "keys." in k}
        for key, value in self._values.items():
            group, _, name = key.partition(".")
            (keys if group == "keys" else groups[group])[name] = value
        made = {group: GROUPS[group](**values) for group, values in groups.items()}
        settings = Settings(**made, keys=keys, origins=self._origins, **rest)
        _agree(settings)
        return settings


def _agree(settings: Settings) -> None:
    """Refuse values that are each allowed, but not together."""
    needs = [
        (settings.backend.kind == "ws", "backend.kind", "ws", "backend.url"),
        (settings.backend.kind == "azure", "backend.kind", "azure", "backend.azure_endpoint"),
        (settings.summary.by == "url", "summary.by", "url", "summary.url"),
    ]
    for wanted, key, value, other in needs:
        if wanted and not settings.value(other):
            raise SettingsError(
                f'{settings.origin(key)}: {key} is "{value}", and {other} is not set.',
                f"Set {other}, in the file or as {variable(other)}.",
            )
    taken: dict[str, str] = {}
    for action, key in settings.keys.items():
        if key in taken:
            origin = next(
                (
                    settings.origins[f"keys.{a}"]
                    for a in (action, taken[key])
                    if f"keys.{a}" in settings.origins
                ),
                "keys",
            )
            raise SettingsError(
                f'{origin}: keys.{action} is "{key}", and keys.{taken[key]} is too.',
                "Give each action a key of its own.",
            )
        taken[key] = action


def variable(key: str) -> str:
    """The environment variable of `group.name`."""
    return PREFIX + key.replace(".", "_").upper()


def _from_env(env: Mapping[str, str], known: dict[str, Spec]) -> Iterator[tuple[str, str, str]]:
    yield from ((BORROWED[name], env[name], name) for name in BORROWED if env.get(name))
    by_variable = {variable(key): key for key in known}
    for name, value in env.items():
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in OTHER_VARIABLES:
            continue
        if name not in by_variable:
            raise SettingsError(
                f"The environment variable {name} sets nothing.{_nearest(name, by_variable)}",
                f"Unset it: unset {name}",
            )
        yield by_variable[name], value, name


def _profiles(table: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    found = table.pop("profiles", {})
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise SettingsError(f"{path}: profiles is no table of [profiles.NAME.group] tables.", _EDIT)
    return found


def _flat(table: dict[str, Any], origin: str) -> Iterator[tuple[str, object, str]]:
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
            yield f"{group}.{name}", value, origin


def _nearest(name: str, known: Any) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _shown(value: object) -> str:
    """What was found, shortened; never what may be a key that was put in the wrong place."""
    if not isinstance(value, str):
        return str(value)[:60]
    secret = value.startswith(("sk-", "ek_")) or "@" in value or len(value) > 60
    return "a text that is not shown here" if secret else f'"{value}"'


def _remedy(origin: str) -> str:
    if origin.startswith(PREFIX):
        return f"Change it, or unset {origin}."
    return _EDIT if "/" in origin or "\\" in origin else "`tui-voice --help` explains the flags."
