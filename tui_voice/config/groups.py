"""The settings: their names, defaults, what is allowed, and what they do, each written once.

The flags, the README's table and the file that `config edit` begins with are made from this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from tui_voice.config.checks import (
    Check,
    Choice,
    File,
    Flag,
    Maybe,
    Number,
    Prices,
    Span,
    Text,
    Url,
    Whole,
)

_NAME = Text("a name without spaces", r"\S+")
_LANGUAGE = Text('a language code such as "en"', r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_HTTP = Url("http", "https")


class Spec(NamedTuple):
    """All there is to know about one setting, besides its value."""

    key: str
    """`group.name`."""
    default: Any
    check: Check
    about: str
    flag: str
    """The flag that sets it, "" for none."""


def _about(check: Check, about: str, flag: str = "") -> dict[str, Any]:
    return {"check": check, "about": about, "flag": flag}


def _is(default: Any, check: Check, about: str, flag: str = "") -> Any:
    return field(default=default, metadata=_about(check, about, flag))


@dataclass(frozen=True)
class Backend:
    """Who is at the other end, and how turns are taken."""

    kind: str = _is(
        "auto",
        Choice("auto", "openai", "azure", "local", "ws"),
        "who answers; auto: OpenAI or Azure where there is a key, else the embedded server",
        "--backend",
    )
    model: str = _is("gpt-realtime-2.1", _NAME, "the realtime model", "--model")
    voice: str = _is("marin", _NAME, "the voice of the replies", "--voice")
    url: str | None = _is(
        None,
        Maybe(Url("ws", "wss")),
        "where `ws` connects to; with `openai`, instead of OpenAI's own address",
    )
    azure_endpoint: str | None = _is(None, Maybe(_HTTP), "the Azure resource's address")
    azure_deployment: str | None = _is(None, Maybe(_NAME), "the name the model has there")
    turn_detection: str = _is(
        "server_vad",
        Choice("server_vad", "semantic_vad", "manual"),
        "how the end of a turn is found; manual: by the talk key",
    )
    silence_ms: int = _is(500, Whole(0, 10_000), "silence that ends a turn (server_vad)")
    threshold: float = _is(0.5, Number(0, 1), "how sure it must be speech (server_vad)")
    prefix_padding_ms: int = _is(300, Whole(0, 10_000), "sound kept from before the speech")
    eagerness: str = _is(
        "auto",
        Choice("auto", "low", "medium", "high"),
        "how soon it answers (semantic_vad)",
    )
    reply_timeout_s: float = _is(
        60.0, Number(5, 3600), "seconds without a sign of the reply, then it is given up"
    )
    transcription_model: str = _is("gpt-transcribe", _NAME, "what writes down your words")
    language: str | None = _is(None, Maybe(_LANGUAGE), "the language you speak")
    instructions: str | None = _is(None, Maybe(Text()), "what the assistant is told about its task")
    reasoning_effort: str | None = _is(
        None,
        Maybe(Choice("minimal", "low", "medium", "high", "xhigh")),
        "how long a reasoning model thinks",
    )
    llm_url: str | None = _is(
        None,
        Maybe(_HTTP),
        "a chat server of yours that speaks for the embedded server",
        "--llm-url",
    )
    llm_model: str | None = _is(None, Maybe(_NAME), "the model to ask there", "--llm-model")
    llm_path: Path | None = field(
        default=None,
        metadata=_about(Maybe(File()), "a GGUF chat model of yours", "--llm-path"),
    )
    stt: str | None = _is(
        None,
        Maybe(Text()),
        "hearing of yours: a faster-whisper folder, or a server's address",
        "--stt",
    )
    tts: str | None = _is(None, Maybe(_HTTP), "speaking of yours: a server's address", "--tts")


@dataclass(frozen=True)
class Audio:
    """Microphone and loudspeaker."""

    input_device: str | None = _is(
        None, Maybe(Text()), "microphone: its id, or part of its name", "--input-device"
    )
    output_device: str | None = _is(
        None, Maybe(Text()), "loudspeaker: its id, or part of its name", "--output-device"
    )
    frame_ms: int = _is(20, Whole(10, 100), "sound sent in pieces of so many milliseconds")
    preroll_ms: int = _is(300, Whole(0, 2_000), "sound from before the talk key that is sent too")
    echo_cancellation: bool = _is(True, Flag(), "takes the loudspeaker out of the microphone")
    noise_reduction: str = _is(
        "near_field",
        Choice("near_field", "far_field", "off"),
        "done by the server: headset, or across a room",
    )
    volume: float = _is(1.0, Number(0, 2), "loudness of the replies; 1: as they come")
    text_only: bool = _is(False, Flag(), "no microphone, no loudspeaker", "--text")
    record: bool = _is(False, Flag(), "keeps the sound of the talk beside its journal")


@dataclass(frozen=True)
class Context:
    """When old turns are summarised, and which."""

    policy: str = _is(
        "balanced",
        Choice("balanced", "thrift", "notebook", "textify", "none", "server"),
        "how the window is kept small; thrift turns old sound into text at once, textify makes no "
        "summaries, none and server leave it to the server",
        "--policy",
    )
    trigger: int = _is(
        0, Whole(0, 1_000_000), "tokens from which it is pruned; 0: by the model", "--trigger"
    )
    keep: int | None = _is(
        None,
        Maybe(Whole(0, 10_000)),
        "so many of the newest turns stay word for word; none: by the policy",
        "--keep",
    )
    messages: int | None = _is(
        None, Maybe(Whole(2, 100_000)), "prunes also from so many turns in the window on"
    )
    every: float | None = _is(None, Maybe(Span()), "prunes also after so much time")
    recall: bool = _is(True, Flag(), "the model may search your own saved talks")


@dataclass(frozen=True)
class Summary:
    """Who writes the summaries, and how."""

    by: str = _is(
        "auto",
        Choice("auto", "model", "session", "url"),
        "a text model, the realtime session itself, or a server of yours",
    )
    model: str = _is("gpt-6-luna", _NAME, "the text model")
    url: str | None = _is(None, Maybe(_HTTP), "the chat server that `url` asks")
    language: str = _is("same", Text(), "same: that of the talk; else any, such as French")
    style: str = _is(
        "structured",
        Choice("structured", "paragraph", "bullets", "json", "minutes"),
        "the form it takes",
    )
    timeout_s: float = _is(20.0, Number(1, 600), "seconds before another way is tried")


@dataclass(frozen=True)
class Cost:
    """Money."""

    limit: float | None = _is(
        None, Maybe(Number(0.01, 100_000)), "USD a talk may cost before it pauses and asks"
    )
    prices: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict,
        metadata=_about(
            Prices(), "your own prices: a table for each model, USD per million tokens"
        ),
    )


@dataclass(frozen=True)
class Ui:
    """Looks."""

    theme: str | None = _is(None, Maybe(_NAME), "a Textual theme; none: ours")
    ascii: bool = _is(False, Flag(), "draws with ASCII signs alone")
    side_panel: bool = _is(True, Flag(), "shows window, cost and memory beside the talk")
    timestamps: bool = _is(True, Flag(), "shows when each turn was said")


GROUPS: dict[str, type[Any]] = {
    "backend": Backend,
    "audio": Audio,
    "context": Context,
    "summary": Summary,
    "cost": Cost,
    "ui": Ui,
}

DEFAULT_KEYS: dict[str, str] = {
    "talk": "space",
    "stop": "escape",
    "mute": "m",
    "send": "enter",
    "summarise": "ctrl+s",
    "restore": "ctrl+z",
    "pin": "p",
    "copy": "c",
    "panel": "f2",
    "sessions": "ctrl+r",
    "search": "ctrl+f",
    "new": "ctrl+n",
    "export": "ctrl+e",
    "palette": "ctrl+p",
    "help": "f1",
    "quit": "ctrl+q",
}
"""Action → key, in Textual's names."""

_KEY = Text('a key such as "space", "f2" or "ctrl+s"', r"((ctrl|shift|alt|super)\+)*[a-z0-9_]+|\S")


def specs() -> dict[str, Spec]:
    """Every setting by its `group.name`, in the order of this file; keys are `keys.action`."""
    found: dict[str, Spec] = {}
    for group, kind in GROUPS.items():
        for one in fields(kind):
            default = {} if one.name == "prices" else one.default
            about = one.metadata
            spec = Spec(
                f"{group}.{one.name}", default, about["check"], about["about"], about["flag"]
            )
            found[spec.key] = spec
    for action, key in DEFAULT_KEYS.items():
        found[f"keys.{action}"] = Spec(f"keys.{action}", key, _KEY, f"key for {action}", "")
    return found
