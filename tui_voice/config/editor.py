"""The settings of one run of the program, with what an editor shows of each, and their file.

editor = SettingsEditor({"context.keep": "4"}, choices=CHOICES)
editor.field("context.keep").fixed_by        # "--keep"
editor.save("backend.voice", "cedar")        # in the file, and in `editor.settings`
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from tui_voice.config.loading import Choices, allowed, load
from tui_voice.config.model import all_settings, type_of
from tui_voice.config.paths import config_path
from tui_voice.config.settings import DEFAULT, Settings
from tui_voice.config.settings_file import changed, found, read, write
from tui_voice.config.shipped_profiles import shipped_profiles
from tui_voice.config.sources import parsed
from tui_voice.errors import SettingsError

Kind = Literal["switch", "choice", "number", "text", "lines", "list", "table"]


class SettingField(NamedTuple):
    """One setting as it is now."""

    key: str
    """`group.name`."""
    sentence: str
    kind: Kind
    """What may be entered. `lines`: a text of several lines. `table`: lines as in the file."""
    value: str
    """The value in force as text, in the form in which it may be entered; "none" for no value."""
    default: str
    source: str
    """Where the value comes from: "default", "file", "profile NAME", "this run" where it was chosen
    without the file, a variable or a flag."""
    fixed_by: str
    """The variable, flag or shipped profile that is stronger than the file; "" where none is."""
    allowed: str
    """What may be entered, for a sentence: "a whole number from 0 to 100, or none"."""
    choices: tuple[str, ...] = ()
    """The values that are offered."""
    meanings: Mapping[str, str] = MappingProxyType({})
    """What some of these values mean, a sentence each."""
    open_choice: bool = False
    """Another value than those in `choices` may be entered, too."""


class SettingsEditor:
    """`settings` are those in force; a change is checked as a whole before it is saved."""

    def __init__(
        self,
        flags: Mapping[str, object] | None = None,
        profile: str | None = None,
        *,
        choices: Choices | None = None,
        suggestions: Choices | None = None,
        check: Callable[[Settings], None] = lambda _settings: None,
        env: Mapping[str, str] | None = None,
        path: Path | None = None,
    ) -> None:
        """As for `load`. `suggestions`: values that are offered for settings that take others, too.
        `check`: raises SettingsError for settings that do not fit together.

        Raises SettingsError for settings that are wrong now.
        """
        self._flags = dict(flags or {})
        self._chosen: dict[str, object] = {}
        self._profile = profile
        self._choices = choices or {}
        self._suggestions = suggestions or {}
        self._check = check
        self._env = os.environ if env is None else env
        self._given_path = path
        self._path = path or config_path(self._env)
        self._text = ""
        self.settings = Settings()
        self.reload()

    def reload(self) -> None:
        """Reads the file again. Raises SettingsError, and keeps the settings, where it is wrong."""
        text = read(self._path)
        self.settings = self._loaded(text)
        self._text = text

    def choose(self, values: Mapping[str, object]) -> None:
        """Changes settings for this run, without the file. Raises SettingsError."""
        before = self._chosen
        self._chosen = before | dict(values)
        try:
            self.settings = self._loaded(self._text)
        except SettingsError:
            self._chosen = before
            raise

    def with_profile(self, profile: str) -> Settings:
        """Returns the settings with another profile in force, "none" for none. Raises
        SettingsError.
        """
        return self._loaded(self._text, profile)

    def field(self, key: str) -> SettingField:
        """Returns what is shown of one setting."""
        kind, setting = type_of(key), all_settings()[key]
        origin = self.settings.origin(key)
        weak = origin == DEFAULT or origin.startswith(str(self._path)) or key in self._chosen
        source = self._source(key, origin)
        names = self._names(key, kind)
        return SettingField(
            key,
            setting.sentence,
            "choice" if names else _kind(kind),
            as_text(self.settings.value(key), kind),
            as_text(setting.default, kind),
            source,
            "" if weak else source,
            allowed(key, self._choices),
            names,
            self._meanings(key),
            key in self._suggestions and key not in self._choices,
        )

    def refusal(self, key: str, text: str) -> str:
        """Returns why a text is not allowed for a setting, as a sentence; "" where it is."""
        try:
            self._converted(key, text)
        except SettingsError as error:
            return str(error)
        return ""

    def save(self, key: str, text: str | None) -> str:
        """Saves a value in the file; None removes it, so that the default holds.

        Returns what is stronger than the file, and so still in force; "" for nothing. Raises
        SettingsError where the value is not allowed, or the file cannot be written or was changed
        by another program in the same place; nothing is changed then.
        """
        value = None if text is None else self._written(key, text)
        group, _, name = key.partition(".")
        content = read(self._path)
        parsed(content, self._path)  # raises SettingsError
        tables: tuple[str, ...] = (group,)
        if self.settings.profile is not None:
            own = ("profiles", self.settings.profile, group)
            if found(content, own, name) is not None:
                tables = own
        theirs = found(content, tables, name)
        if content != self._text and theirs != found(self._text, tables, name):
            self.reload()
            raise SettingsError(
                f"Another program has changed {key} in the file: it is {theirs} now.",
                "Nothing was saved; change it again if you want to.",
            )
        new = changed(content, tables, name, value)
        chosen, self._chosen = self._chosen, {k: v for k, v in self._chosen.items() if k != key}
        try:
            settings = self._loaded(new)
            write(self._path, content, new)
        except SettingsError:
            self._chosen = chosen
            raise
        self.settings, self._text = settings, new
        return self.field(key).fixed_by

    def _loaded(self, text: str, profile: str | None = None) -> Settings:
        """Returns the settings in force with this text in the file. Raises SettingsError."""
        settings = load(
            self._flags | self._chosen,
            profile=self._profile if profile is None else profile,
            env=self._env,
            path=self._given_path,
            choices=self._choices,
            content=text or None,  # a file that must be there, and is not, is an error
        )
        self._check(settings)
        return settings

    def _converted(self, key: str, text: str) -> Any:
        from tui_voice.config.value_types import convert

        try:
            value = convert(text, type_of(key), from_text=True)
            if key in self._choices and value not in self._choices[key]():
                raise ValueError
        except ValueError:
            shown = f'"{text}"' if len(text) <= 40 else "This"
            raise SettingsError(f"{shown} is not {allowed(key, self._choices)}.") from None
        return value

    def _written(self, key: str, text: str) -> object:
        """Returns what stands in the file for a text that was entered; None for an empty table.
        Raises SettingsError.
        """
        value = self._converted(key, text)
        if isinstance(value, tuple):
            return list(value)
        if isinstance(value, Mapping):
            return value or None
        is_number = isinstance(value, bool | int | float) and _kind(type_of(key)) != "text"
        return "none" if value is None else value if is_number else text.strip()

    def _names(self, key: str, kind: Any) -> tuple[str, ...]:
        none = ("none",) if NoneType in get_args(kind) else ()
        inner = _inner(kind)
        if get_origin(inner) is Literal:
            return (*none, *get_args(inner))
        table = self._choices.get(key) or self._suggestions.get(key)
        found = (*none, *table()) if table else ()
        if key == "session.profile":
            found += tuple(name for name in self.settings.profiles if name not in found)
        return found

    def _meanings(self, key: str) -> Mapping[str, str]:
        """Returns the sentences of the rows of a table."""
        table = self._choices.get(key)
        rows = table() if table else ()
        specs = rows.items() if isinstance(rows, Mapping) else ()
        return {name: spec.sentence for name, spec in specs if hasattr(spec, "sentence")}

    def _source(self, key: str, origin: str) -> str:
        if key in self._chosen:
            return "this run"
        if origin == str(self._path):
            return "file"
        profile = self.settings.profile or ""
        is_own = origin.startswith(f"{self._path} [profiles.")
        if is_own or origin == str(shipped_profiles().get(profile)):
            return f"profile {profile}"
        return origin


def as_text(value: Any, kind: Any) -> str:
    """Returns a value of a setting as one would enter it; "none" for no value, "" for no words."""
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Mapping):
        return "\n".join(_table_line(name, row) for name, row in value.items())
    if isinstance(value, float):
        return f"{value:g}s" if _kind(kind) == "text" else f"{value:g}"  # a duration has a unit
    return str(value)


def _table_line(name: str, row: Mapping[str, float]) -> str:
    """Returns a table as one line of TOML: `"gpt-realtime-2.1" = { text_in = 4 }`."""
    figures = ", ".join(f"{key} = {value:g}" for key, value in row.items())
    return f"{json.dumps(name, ensure_ascii=False)} = {{ {figures} }}"


def _kind(kind: Any) -> Kind:
    """Returns what may be entered for a type of `value_types.py`."""
    from tui_voice.config import value_types

    inner = _inner(kind)
    if inner is bool:
        return "switch"
    if get_origin(inner) is Literal:
        return "choice"
    if inner == value_types.Words:
        return "list"
    if inner == value_types.PriceTable:
        return "table"
    if inner in (value_types.LongText, value_types.SummaryPrompt):
        return "lines"
    if inner == value_types.Duration:
        return "text"
    return "number" if get_args(inner)[:1] in ((int,), (float,)) else "text"


def _inner(kind: Any) -> Any:
    """Returns the type without `None`."""
    parts = [one for one in get_args(kind) if one is not NoneType]
    return parts[0] if NoneType in get_args(kind) else kind
