"""`tui-voice tokens`: the tokens and the price of words as text and as speech."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tui_voice.cli.arguments import sound_argument, words_argument
from tui_voice.cli.flags import ENGINES, add_settings, settings_of
from tui_voice.cli.output import print_json
from tui_voice.cli.table import table
from tui_voice.conversation import prices
from tui_voice.conversation.events import Usage
from tui_voice.conversation.turns import USER_TOKENS_PER_SECOND
from tui_voice.languages.tokens import count_text_tokens, is_exact

if TYPE_CHECKING:
    from tui_voice.cli.measure import Measured
    from tui_voice.config import Settings

WORDS_PER_SECOND = 2.5
"""Speed of unhurried English, 150 words a minute. It estimates how long a text takes to say."""
TOKENS_PER_WORD = 1.3
"""Of English words in o200k_base. It estimates the tokens of speech whose words are not known."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "tokens",
        help="tokens and price of words, as text and as speech",
        description="Compares text with speech: how many tokens words, or a sound file, take in "
        "the window of a realtime model when the user says them, and what reading them costs. "
        "The seconds of a text, and the words of a sound file, are estimated at 150 words a "
        "minute; a sound file followed by its words needs no estimate.",
    )
    parser.add_argument("what", nargs="+", metavar="TEXT|FILE.wav", help="words, or a sound file")
    parser.add_argument("--model", metavar="M", help="the model whose prices apply")
    parser.add_argument(
        "--measure",
        action="store_true",
        help="speak and type the words to the server in force, and read its usage; two short "
        "replies are paid for",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    add_settings(parser, "backend.kind", "backend.voice", *ENGINES)


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    price_table = prices.merge(prices.PRICES, settings.cost.prices)
    model = args.model or settings.backend.model

    def usd(usage: Usage) -> float | None:
        return prices.price(model, usage, price_table)

    text_tokens, seconds, estimated = _measure(args.what)
    estimate = _Figures(text_tokens, seconds, round(seconds * USER_TOKENS_PER_SECOND))
    found = estimate
    if args.measure:
        at_server = _at_server(args.what, settings)
        found = _Figures(
            at_server.text_tokens or text_tokens, at_server.seconds, at_server.audio_tokens
        )
        estimated = ""
    if args.json:
        print_json(
            {
                "text_tokens": found.text_tokens,
                "audio_seconds": round(found.seconds, 3),
                "audio_tokens": found.audio_tokens,
                "ratio": round(found.ratio, 2) if found.text_tokens else None,
                "audio_tokens_per_second": round(found.rate, 2),
                "measured": args.measure,
                "estimate": {
                    "text_tokens": estimate.text_tokens,
                    "audio_seconds": estimate.seconds,
                    "audio_tokens": estimate.audio_tokens,
                },
                "usd": {"text": usd(found.as_text), "audio": usd(found.as_audio)},
                "model": model,
                "estimated": estimated,
            }
        )
        return 0
    if args.measure:
        print(_side_by_side(found, estimate, model, usd))
        print(f"Measured at the server. Prices of {price_table.as_of}.")
        return 0
    sign = {estimated: "~"} | ({} if is_exact() else {"text_tokens": "~"})
    rows = [
        ("", "tokens", "seconds", f"USD ({model})"),
        ("as text", f"{sign.get('text_tokens', '')}{text_tokens:,}", "", _usd(usd(found.as_text))),
        (
            "as speech",
            f"{sign.get('audio_seconds', '')}{found.audio_tokens:,}",
            f"{sign.get('audio_seconds', '')}{seconds:.1f}",
            _usd(usd(found.as_audio)),
        ),
    ]
    print(table(rows))
    if text_tokens:
        print(
            f"Speech takes {found.ratio:.1f} times as many tokens: {found.rate:.0f} a second. "
            f"~: estimated. Prices of {price_table.as_of}."
        )
    return 0


class _Figures(NamedTuple):
    """The same words as text and as speech of the user."""

    text_tokens: int
    seconds: float
    audio_tokens: int

    @property
    def ratio(self) -> float:
        """Audio tokens by text tokens; 0 without text."""
        return self.audio_tokens / self.text_tokens if self.text_tokens else 0.0

    @property
    def rate(self) -> float:
        """Audio tokens a second."""
        return self.audio_tokens / self.seconds if self.seconds else USER_TOKENS_PER_SECOND

    @property
    def as_text(self) -> Usage:
        return Usage(input_text=self.text_tokens)

    @property
    def as_audio(self) -> Usage:
        return Usage(input_audio=self.audio_tokens)


def _side_by_side(
    found: _Figures, estimate: _Figures, model: str, usd: Callable[[Usage], float | None]
) -> str:
    """Returns the table of `--measure`."""
    both = (found, estimate)
    rows: list[tuple[str, ...]] = [
        ("", "measured", "estimate"),
        ("text tokens", *(f"{one.text_tokens:,}" for one in both)),
        ("seconds of speech", *(f"{one.seconds:.1f}" for one in both)),
        ("audio tokens", *(f"{one.audio_tokens:,}" for one in both)),
        ("audio tokens for each text token", *(f"{one.ratio:.1f}" for one in both)),
        ("audio tokens a second", *(f"{one.rate:.1f}" for one in both)),
        (f"USD as text ({model})", *(_usd(usd(one.as_text)) for one in both)),
        (f"USD as speech ({model})", *(_usd(usd(one.as_audio)) for one in both)),
    ]
    return table(rows, right=(1, 2))


def _at_server(what: list[str], settings: Settings) -> Measured:
    """Returns what the server counts for the words, or for a sound file followed by its words."""
    from tui_voice.cli.measure import measure

    path = sound_argument(what[0])
    if path is None:
        return measure(" ".join(what), None, settings)
    from tui_voice.audio.files import read_sound

    return measure(" ".join(what[1:]), read_sound(path), settings)


def _measure(what: list[str]) -> tuple[int, float, str]:
    """Returns text tokens, seconds of speech, and the JSON key of the one that is estimated."""
    path = sound_argument(what[0])
    words = " ".join(words_argument(word) for word in what[path is not None :]).strip()
    if path is not None:
        from tui_voice.audio.files import read_sound
        from tui_voice.audio.pcm import duration_ms

        seconds = duration_ms(read_sound(path)) / 1000
        if words:
            return count_text_tokens(words), seconds, "" if is_exact() else "text_tokens"
        return round(seconds * WORDS_PER_SECOND * TOKENS_PER_WORD), seconds, "text_tokens"
    return count_text_tokens(words), len(words.split()) / WORDS_PER_SECOND, "audio_seconds"


def _usd(value: float | None) -> str:
    return "not known" if value is None else f"{value:.6f}"
