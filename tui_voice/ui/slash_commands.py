"""The commands that the user types in the prompt, with a slash: `/voice cedar`.

To add one, write a function and a row of `COMMANDS`. A command does what it says at once; where it
cannot, it raises `ValueError` or a `TuiVoiceError` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.options import AppOptions

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.turns import Turn
    from tui_voice.ui.open_session import OpenSession

VOICES = ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
SPEEDS = ("0.75", "0.9", "1.0", "1.1", "1.25", "1.5")
MOST_SHOWN = 6
"""Lines of the list above the prompt."""


class Dialogs(Protocol):
    """What `SessionDialogs` does for commands. The first two raise `ValueError` with the reason
    where the limits cannot be used.
    """

    def set_limits(self, **changed: Any) -> None: ...

    def set_limits_from(self, text: str) -> None: ...

    def copy_session(self) -> None: ...

    def correct(self, turn: Turn) -> None: ...

    def correct_newest(self, text: str) -> None: ...

    def choose_device(self, direction: Literal["input", "output"]) -> None: ...


class CommandHost(Protocol):
    """The part of the application that commands use."""

    options: AppOptions
    session: OpenSession

    @property
    def dialogs(self) -> Dialogs: ...

    def run_key_action(self, action_id: str) -> None: ...

    def find(self, words: str) -> None: ...

    def device_names(self, direction: str) -> Sequence[str]:
        """Returns the sound devices for "input" or "output"; none until they have been listed."""
        ...

    def open_settings(self, words: str = "") -> None:
        """Opens the settings screen, filtered by words."""
        ...

    def reopen_with(self, *, group: str = "backend", **settings: str) -> None:
        """Opens the session again with other settings of a group; the turns stay."""
        ...


class SlashCommand(NamedTuple):
    name: str
    argument: str
    """What follows the name, in the form `NAME`, or `[NAME]` where it may be left out."""
    about: str
    run: Callable[[CommandHost, str], None]
    values: Callable[[CommandHost], Sequence[str]] = lambda _host: ()
    """What may follow the name, where that is a list."""

    @property
    def needs_argument(self) -> bool:
        return bool(self.argument) and not self.argument.startswith("[")


def _key(action_id: str) -> Callable[[CommandHost, str], None]:
    return lambda host, _argument: host.run_key_action(action_id)


def _setting(name: str) -> Callable[[CommandHost, str], None]:
    def change(host: CommandHost, argument: str) -> None:
        editor = host.options.editor
        if editor is not None and (refusal := editor.refusal(f"backend.{name}", argument)):
            raise ValueError(refusal)
        host.reopen_with(**{name: argument})

    return change


def _post(host: CommandHost, event: Event) -> None:
    if host.session.handle is None:
        raise ValueError("No session is open yet.")
    host.session.post(event)


def _summarise(host: CommandHost, argument: str) -> None:
    from tui_voice.conversation.events import SummarisePressed

    _post(host, SummarisePressed(focus=argument))


def _attach(host: CommandHost, argument: str) -> None:
    from tui_voice.config import user_path

    if host.session.handle is None:
        raise ValueError("No session is open yet.")
    host.session.handle.attach(user_path(argument, "the path of an image") if argument else None)


def _rename(host: CommandHost, argument: str) -> None:
    from tui_voice.conversation.events import SessionRenamed

    _post(host, SessionRenamed(title=argument))


def _policy(host: CommandHost, argument: str) -> None:
    from tui_voice.conversation.policies import POLICIES

    if argument not in POLICIES:
        raise ValueError(f"There is no policy {argument}. Choose one of {', '.join(POLICIES)}.")
    host.dialogs.set_limits(policy=argument)


def _policies(_host: CommandHost) -> Sequence[str]:
    from tui_voice.conversation.policies import POLICIES

    return tuple(POLICIES)


def _limits(host: CommandHost, argument: str) -> None:
    host.dialogs.set_limits_from(argument)


def _models(_host: CommandHost) -> Sequence[str]:
    from tui_voice.conversation.prices import PRICES

    return tuple(name for name in PRICES.models if "realtime" in name)


def _voice(host: CommandHost, argument: str) -> None:
    if argument not in VOICES and not argument.startswith("voice_"):
        raise ValueError(f"There is no voice {argument}. Choose one of {', '.join(VOICES)}.")
    host.reopen_with(voice=argument)


def _profile(host: CommandHost, argument: str) -> None:
    host.reopen_with(group="session", profile=argument)


def _profiles(_host: CommandHost) -> Sequence[str]:
    from tui_voice.config.shipped_profiles import shipped_profiles

    return (*shipped_profiles(), "none")


def _voices(_host: CommandHost) -> Sequence[str]:
    return VOICES


def _speeds(_host: CommandHost) -> Sequence[str]:
    return SPEEDS


_DIRECTIONS: dict[str, Literal["input", "output"]] = {
    "microphone": "input",
    "loudspeaker": "output",
}


def _device(host: CommandHost, argument: str) -> None:
    from tui_voice.conversation.events import DeviceChosen

    noun, _, name = argument.partition(" ")
    if noun not in _DIRECTIONS:
        raise ValueError("Write `/device microphone NAME` or `/device loudspeaker NAME`.")
    if name:
        name = name.partition(" (what a loudspeaker plays)")[0]  # a mark, as in the list
        _post(host, DeviceChosen(direction=_DIRECTIONS[noun], device=name))
    elif host.options.devices is None:
        raise ValueError("This session uses no sound devices.")
    else:
        host.dialogs.choose_device(_DIRECTIONS[noun])


def _devices(host: CommandHost) -> Sequence[str]:
    found = []
    for noun, direction in _DIRECTIONS.items():
        found += [noun, *(f"{noun} {name}" for name in host.device_names(direction))]
    return found


COMMANDS: dict[str, SlashCommand] = {
    command.name: command
    for command in (
        SlashCommand("voice", "NAME", "speak with another voice", _voice, _voices),
        SlashCommand("model", "NAME", "use another realtime model", _setting("model"), _models),
        SlashCommand("speed", "NUMBER", "speak faster or slower", _setting("speed"), _speeds),
        SlashCommand("profile", "NAME", "use the settings of a profile", _profile, _profiles),
        SlashCommand(
            "device", "microphone|loudspeaker [NAME]", "use another sound device", _device, _devices
        ),
        SlashCommand("policy", "NAME", "prune the window by other rules", _policy, _policies),
        SlashCommand("limits", "TRIGGER KEEP", "tokens to summarise from, turns to keep", _limits),
        SlashCommand("summarise", "[FOCUS]", "summarise now; FOCUS must not be lost", _summarise),
        SlashCommand("restore", "", "restore what was pruned last", _key("restore")),
        SlashCommand(
            "attach", "[FILE]", "show the model an image (no FILE: the clipboard)", _attach
        ),
        SlashCommand("find", "WORDS", "find words in this session", lambda h, words: h.find(words)),
        SlashCommand("search", "", "search in all saved sessions", _key("search")),
        SlashCommand("sessions", "", "list the saved sessions", _key("sessions")),
        SlashCommand("new", "", "start a new session", _key("new")),
        SlashCommand("rename", "TITLE", "give the session another title", _rename),
        SlashCommand("export", "", "export the session to a file", _key("export")),
        SlashCommand("copy", "", "copy the session", lambda h, _: h.dialogs.copy_session()),
        SlashCommand(
            "memory",
            "",
            "read and change what is remembered",
            lambda h, _: h.run_key_action("memory"),
        ),
        SlashCommand(
            "correct",
            "WORDS",
            "WORDS are what you said last",
            lambda host, words: host.dialogs.correct_newest(words),
        ),
        SlashCommand("patience", "", "let your pauses be longer, or short", _key("patience")),
        SlashCommand("mute", "", "mute the microphone, or unmute it", _key("mute")),
        SlashCommand(
            "settings", "[WORDS]", "change the settings", lambda h, words: h.open_settings(words)
        ),
        SlashCommand("help", "", "explain the keys and the numbers", _key("help")),
        SlashCommand("quit", "", "quit; the session is saved", _key("quit")),
    )
}


def parse(text: str) -> tuple[SlashCommand, str] | None:
    """Returns the command and its argument; None where the text is none."""
    name, _, argument = text.removeprefix("/").partition(" ")
    command = COMMANDS.get(name) if text.startswith("/") else None
    return (command, " ".join(argument.split())) if command else None


def run(text: str, host: CommandHost) -> str | None:
    """Runs a command. Returns why it was refused, "" where it was done, None for other text.

    A slash and a word that is no command is refused; `/etc/hosts` is a turn.
    """
    parsed = parse(text)
    if parsed is None:
        name = text.removeprefix("/").partition(" ")[0]
        if text.startswith("/") and name.isalpha():
            return f"There is no command /{name}. `/` lists them."
        return None
    try:
        parsed[0].run(host, parsed[1])
    except (TuiVoiceError, ValueError) as error:
        return f"{error} {getattr(error, 'hint', '')}".strip()
    return ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line of the list above the prompt. `text`: what the prompt then contains."""

    text: str
    shown: str
    about: str = ""


def suggestions(text: str, host: CommandHost) -> list[Suggestion]:
    """Returns how the user may complete what is typed."""
    if not text.startswith("/") or "\n" in text:
        return []
    name, space, rest = text[1:].partition(" ")
    if not space:
        return [
            Suggestion(
                f"/{one.name} " if one.argument else f"/{one.name}",
                f"/{one.name} {one.argument}".rstrip(),
                one.about,
            )
            for one in COMMANDS.values()
            if one.name.startswith(name)
        ]
    command = COMMANDS.get(name)
    values = command.values(host) if command else ()
    lower = rest.lower()
    return [Suggestion(f"/{name} {one}", one) for one in values if one.lower().startswith(lower)]
