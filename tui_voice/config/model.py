"""The settings model: one field a setting, with its type, its default and its sentence.

Flags, environment variables, `config show`, the file that `config edit` begins with and
`docs/settings.md` are read from here. To add a setting, add a field to a group:

    volume: Annotated[float, Meta(ge=0, le=2)] = setting(1.0, "loudness of the replies")

The annotations are msgspec types from `value_types.py`. They stay text until a value has to be
checked: importing msgspec takes 40 ms, as long as all the rest of `tui-voice --help`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import Annotated, Literal

    from msgspec import Meta

    from tui_voice.config.value_types import (
        Duration,
        FilePath,
        HttpAddress,
        LanguageCode,
        LongText,
        Name,
        NonEmptyText,
        PriceTable,
        SummaryPrompt,
        WebSocketAddress,
        Words,
    )


PREFIX = "TUI_VOICE_"
"""The prefix of the environment variables of tui-voice."""


class Setting(NamedTuple):
    """One setting as the documentation shows it."""

    key: str
    """`group.name`."""
    default: Any
    sentence: str
    """What it does, without a full stop."""
    flag: str = ""
    """The flag that sets it; empty: it has none."""
    metavar: str = ""
    """What the help shows for the flag's value; empty: the flag takes none."""


def setting(default: Any, sentence: str, flag: str = "") -> Any:
    """Returns a field of a group. `flag`: the flag with its value, `--model NAME` or `--text`."""
    name, _, metavar = flag.partition(" ")
    metadata = Setting("", default, sentence, name, metavar)._asdict()
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class BackendSettings:
    """The server that answers, and how it finds the end of a turn."""

    kind: Name = setting(
        "auto",
        "the server that answers; auto: OpenAI or Azure where there is a key, else the embedded "
        "server",
        "--backend auto|openai|azure|local|ws://…",
    )
    model: Name = setting("gpt-realtime-2.1", "the realtime model", "--model NAME")
    voice: Name = setting(
        "marin",
        "the voice of the replies; an id that begins with voice_ is a voice of yours",
        "--voice NAME",
    )
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] = setting(
        1.0, "how fast the replies are spoken", "--speed N"
    )
    url: WebSocketAddress | None = setting(
        None,
        "the address that `ws` connects to; with `openai`, used instead of OpenAI's own",
    )
    azure_endpoint: HttpAddress | None = setting(None, "the address of the Azure resource")
    azure_deployment: Name | None = setting(None, "the name of the model's deployment on Azure")
    turn_detection: Literal["server_vad", "semantic_vad", "manual"] = setting(
        "server_vad", "how the end of a turn is found; manual: by the talk key"
    )
    silence_ms: Annotated[int, Meta(ge=0, le=10_000)] = setting(
        500, "milliseconds of silence that end a turn (server_vad)"
    )
    threshold: Annotated[float, Meta(ge=0, le=1)] = setting(
        0.5, "probability from which sound counts as speech (server_vad)"
    )
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=10_000)] = setting(
        300, "milliseconds of sound before the speech that are kept"
    )
    idle_timeout_s: Annotated[int, Meta(ge=5, le=30)] | None = setting(
        None, "seconds of silence after which the model speaks by itself (server_vad)"
    )
    eagerness: Literal["auto", "low", "medium", "high"] = setting(
        "auto", "how soon the model answers (semantic_vad)"
    )
    reply_timeout_s: Annotated[float, Meta(ge=5, le=3600)] = setting(
        60.0, "seconds to wait for the next part of a reply before it is given up"
    )
    transcription_model: Name = setting("gpt-transcribe", "the model that transcribes what you say")
    language: LanguageCode | None = setting(None, "the language you speak")
    languages: Words = setting(
        (), "languages you may speak, for the transcription; codes as en, de"
    )
    keywords: Words = setting((), "names and terms that the transcription is to spell right")
    learn_names: bool = setting(
        True, "tells the transcription the names in the memory, so that it spells them right"
    )
    transcription_prompt: LongText | None = setting(
        None, "a text that tells the transcription what is spoken about"
    )
    uncertain_below: Annotated[float, Meta(ge=0, le=1)] = setting(
        0.6, "probability below which a word of your transcript is underlined; 0: none is"
    )
    instructions: LongText | None = setting(None, "instructions for the assistant")
    reasoning_effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = setting(
        None, "how long a reasoning model thinks"
    )
    llm_url: HttpAddress | None = setting(
        None, "a chat server of yours that answers in the embedded server", "--llm-url URL"
    )
    llm_model: Name | None = setting(None, "the model of that chat server", "--llm-model NAME")
    llm_path: FilePath | None = setting(
        None, "a GGUF chat model of yours for the embedded server", "--llm-path PATH"
    )
    stt: NonEmptyText | None = setting(
        None,
        "speech recognition of yours: a faster-whisper folder, or a server's address",
        "--stt NAME",
    )
    tts: HttpAddress | None = setting(
        None, "speech synthesis of yours: a server's address", "--tts URL"
    )


@dataclass(frozen=True)
class AudioSettings:
    """Microphone and loudspeaker."""

    input_device: NonEmptyText | None = setting(
        None, "microphone: its id, or part of its name", "--input-device NAME"
    )
    output_device: NonEmptyText | None = setting(
        None, "loudspeaker: its id, or part of its name", "--output-device NAME"
    )
    frame_ms: Annotated[int, Meta(ge=10, le=100)] = setting(
        20, "milliseconds of sound in each piece that is sent"
    )
    preroll_ms: Annotated[int, Meta(ge=0, le=2_000)] = setting(
        300, "milliseconds of sound before the talk key that are sent, too"
    )
    echo_cancellation: bool = setting(
        True, "removes the sound of the loudspeaker from that of the microphone"
    )
    noise_reduction: Literal["near_field", "far_field", "off"] = setting(
        "near_field", "noise reduction by the server: for a headset, or for a distant microphone"
    )
    volume: Annotated[float, Meta(ge=0, le=2)] = setting(
        1.0, "factor for the loudness of the replies"
    )
    loudspeaker_lost: Literal["pause", "continue"] = setting(
        "pause", "what a reply does when its loudspeaker is gone and there is another one"
    )
    interrupt_ms: Annotated[int, Meta(ge=0, le=5_000)] = setting(
        600, "milliseconds of speech that interrupt a reply; after less, it goes on"
    )
    interrupt_words: Annotated[int, Meta(ge=0, le=20)] = setting(
        0, "words that interrupt a reply; after fewer, it goes on"
    )
    cues: bool = setting(False, "plays short sounds: listening, still thinking, done, error")
    text_only: bool = setting(False, "uses neither microphone nor loudspeaker", "--text")
    record: bool = setting(False, "keeps the sound of the session beside its journal")


@dataclass(frozen=True)
class ContextSettings:
    """When old turns are summarised, and which."""

    policy: Name = setting(
        "balanced",
        "how the window is kept small: balanced, thrift (all audio becomes text), none and others",
        "--policy NAME",
    )
    trigger: Annotated[int, Meta(ge=0, le=1_000_000)] = setting(
        0, "tokens in the window from which old turns are pruned; 0: by the model", "--trigger N"
    )
    keep: Annotated[int, Meta(ge=0, le=10_000)] | None = setting(
        None, "how many of the newest turns stay verbatim; none: by the policy", "--keep N"
    )
    messages: Annotated[int, Meta(ge=2, le=100_000)] | None = setting(
        None, "number of turns in the window from which old turns are pruned, too"
    )
    every: Duration | None = setting(None, "time after which old turns are pruned, too")
    recall: bool = setting(
        True, "lets the model search this session and those held with the same server before"
    )


@dataclass(frozen=True)
class SummarySettings:
    """Which model writes the summaries, and in which form."""

    by: Literal["auto", "model", "session", "url"] = setting(
        "auto", "who writes: a text model, the realtime session itself, or a server of yours"
    )
    model: Name = setting("gpt-6-luna", "the text model")
    url: HttpAddress | None = setting(None, "the address of the chat server for `url`")
    language: NonEmptyText = setting(
        "same", "language of the summaries, such as French; same: that of the session"
    )
    style: Name = setting("structured", "the form of the summaries")
    prompt: SummaryPrompt | None = setting(
        None,
        "your own request for summaries, used instead of style and language: {transcript} stands "
        "for the turns, {memory} for the summary before; the built-in chat model of the embedded "
        "server cannot follow it, and quotes sentences of yours",
    )
    probe: bool = setting(
        True,
        "looks for the names, numbers and negations of the pruned turns in each summary, and keeps "
        "sentences that it lost word for word",
    )
    questions: bool = setting(
        True, "has a text model, where one writes the summaries, ask three questions about each"
    )
    timeout_s: Annotated[float, Meta(ge=1, le=600)] = setting(
        20.0, "seconds after which the next way to get a summary is tried"
    )


@dataclass(frozen=True)
class ProfileSettings:
    """The profile of a session: how it begins, whom it answers, and how it ends."""

    profile: Name | None = setting(
        None,
        "the profile in force, as `--profile`: tutor, coach, support, meeting, or one of your own",
    )
    target_language: NonEmptyText | None = setting(
        None,
        "the language that the tutor teaches; stands for {target_language} in instructions",
        "--target-language NAME",
    )
    strictness: Literal["gentle", "balanced", "strict"] = setting(
        "balanced",
        "which mistakes the tutor corrects; stands for {strictness} in instructions: gentle: those "
        "that hinder understanding, balanced: the important ones, strict: all",
    )
    call_name: NonEmptyText | None = setting(
        None,
        "the name by which the model is called: it answers only spoken turns with this name; "
        "stands for {call_name} in instructions",
        "--call-name NAME",
    )
    continues: bool = setting(
        False, "a new session begins with what is known from the newest one of the same profile"
    )
    at_end: Literal["nothing", "memory", "minutes", "ticket"] = setting(
        "nothing",
        "what is written when the program ends: the memory for the next session, or a file with "
        "minutes or with a ticket (JSON) beside the session",
    )
    idle_s: Annotated[float, Meta(ge=1, le=86_400)] | None = setting(
        600.0, "seconds without speech after which an open microphone is closed (hands-free)"
    )
    disconnect_s: Annotated[float, Meta(ge=1, le=86_400)] | None = setting(
        300.0, "seconds after that until the connection is closed; talking or typing opens it again"
    )
    goodbye_words: Words = setting(
        (),
        "words which, said alone, end a hands-free session once the model has answered, such as "
        "goodbye; none: no words do",
    )


@dataclass(frozen=True)
class CostSettings:
    """What a session may cost, and prices of your own."""

    limit: Annotated[float, Meta(ge=0.01, le=100_000)] | None = setting(
        None, "USD that a session may cost before it pauses and asks"
    )
    prices: PriceTable = setting(
        {}, "your own prices: a table for each model, USD per million tokens"
    )


@dataclass(frozen=True)
class PrivacySettings:
    """Which server may get what of the saved sessions."""

    private: bool = setting(
        False,
        "marks sessions private: no other session recalls them, and no other machine gets them",
        "--private",
    )
    recall_everywhere: bool = setting(
        False,
        "lets recall search sessions that other servers have held: what it finds there is sent to "
        "the server in force",
    )


@dataclass(frozen=True)
class ScreenSettings:
    """How the screen looks."""

    theme: Name | None = setting(None, "a Textual theme; none: our own")
    ascii: bool = setting(False, "draws with ASCII characters only")
    timeline: bool = setting(
        True, "shows a strip of all turns above the transcript where the screen is high enough"
    )
    side_panel: bool = setting(True, "shows window, cost and memory beside the transcript")
    bell: bool = setting(
        False,
        "rings the terminal's bell when a reply or a summary has ended and the terminal does not "
        "have the focus",
    )
    notify: Literal["off", "on", "words"] = setting(
        "off",
        "shows a notification of the desktop then (OSC 9 or 777); words: with the beginning of the "
        "reply",
    )
    timestamps: bool = setting(True, "shows the time of each turn")


GROUPS: dict[str, type[Any]] = {
    "backend": BackendSettings,
    "audio": AudioSettings,
    "context": ContextSettings,
    "summary": SummarySettings,
    "session": ProfileSettings,
    "cost": CostSettings,
    "privacy": PrivacySettings,
    "ui": ScreenSettings,
}
"""Name of the group in the settings file → its fields."""

DEFAULT_KEYS: dict[str, str] = {
    "talk": "space",
    "stop": "escape",
    "mute": "f4",
    "mode": "f10",
    "patience": "alt+p",
    "pause": "f9",
    "softer": "ctrl+down",
    "louder": "ctrl+up",
    "slower": "alt+down",
    "faster": "alt+up",
    "send": "enter",
    "newline": "alt+enter",
    "expand": "ctrl+o",
    "select": "ctrl+t",
    "summarise": "ctrl+s",
    "restore": "ctrl+z",
    "pin": "p",
    "copy": "c",
    "copy_code": "y",
    "correct": "e",
    "raw": "r",
    "panel": "f2",
    "sessions": "ctrl+r",
    "search": "ctrl+f",
    "find": "ctrl+g",
    "new": "ctrl+n",
    "export": "ctrl+e",
    "palette": "ctrl+p",
    "settings": "f3",
    "memory": "f5",
    "timeline": "f7",
    "help": "f1",
    "jump": "f6",
    "log": "f8",
    "quit": "ctrl+q",
    "choose": "enter",
    "read": "ctrl+o",
    "order": "ctrl+t",
    "rename": "f2",
    "fork": "ctrl+k",
    "delete": "ctrl+d",
    "undo": "ctrl+z",
    "resume_read": "ctrl+o",
    "reset": "ctrl+r",
}
"""Action → key, in Textual's names."""
_EVERYWHERE = ("session", "sessions", "search", "reader", "log", "settings")
KEY_PLACES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("help", "jump", "quit"), _EVERYWHERE),
    **dict.fromkeys(("copy", "copy_code", "raw", "find"), ("session", "reader")),
    "export": ("session", "sessions"),
    "choose": ("sessions", "search", "log", "settings"),
    **dict.fromkeys(("read", "order", "rename", "delete", "undo"), ("sessions",)),
    "fork": ("sessions", "reader"),
    "resume_read": ("reader",),
    "reset": ("settings",),
}
"""Action → the screens in which its key works; the others work in the session screen alone. Two
actions may have the same key where they share no screen.
"""
NEWER_KEYS = (
    "memory",
    "timeline",
    "correct",
    "copy_code",
    "raw",
    "mute",
    "mode",
    "patience",
    "pause",
    "softer",
    "louder",
    "slower",
    "faster",
    "newline",
    "expand",
    "select",
    "find",
    "settings",
    "jump",
    "log",
    "choose",
    "read",
    "order",
    "rename",
    "fork",
    "delete",
    "undo",
    "resume_read",
    "reset",
)
"""Actions whose key came after the first version. Where the user has given that key to another
action, they have none.
"""


def share_a_screen(action: str, other: str) -> bool:
    """Returns whether there is a screen in which the keys of both actions work."""
    places = (KEY_PLACES.get(one, ("session",)) for one in (action, other))
    return bool(set(next(places)).intersection(*places))


@cache
def all_settings() -> Mapping[str, Setting]:
    """Returns every setting by its `group.name`, in the order of this file, then `keys.action`."""
    found = {
        f"{group}.{one.name}": Setting(**{**one.metadata, "key": f"{group}.{one.name}"})
        for group, kind in GROUPS.items()
        for one in fields(kind)
    }
    for action, key in DEFAULT_KEYS.items():
        found[f"keys.{action}"] = Setting(f"keys.{action}", key, f"the key for {action}")
    return found


@cache
def type_of(key: str) -> Any:
    """Returns the type of `group.name`. Evaluating the annotation imports msgspec."""
    from typing import get_type_hints

    from tui_voice.config import value_types

    group, _, name = key.partition(".")
    if group == "keys":
        return value_types.KeyName
    return get_type_hints(GROUPS[group], vars(value_types), include_extras=True)[name]


def variable(key: str) -> str:
    """Returns the environment variable that sets `group.name`: `TUI_VOICE_GROUP_NAME`."""
    return f"{PREFIX}{key.replace('.', '_').upper()}"
