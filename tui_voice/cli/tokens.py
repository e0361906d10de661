"""`tui-voice tokens`: the tokens and the price of words as text and as speech."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

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
    text_tokens, seconds, estimated = _measure(args.what)
    audio_tokens = round(seconds * USER_TOKENS_PER_SECOND)
    estimate = {"text_tokens": text_tokens, "audio_seconds": seconds, "audio_tokens": audio_tokens}
    if args.measure:
        found = _at_server(args.what, settings)
        text_tokens = found.text_tokens or text_tokens
        seconds, audio_tokens, estimated = found.seconds, found.audio_tokens, ""
    rate = audio_tokens / seconds if args.measure and seconds else USER_TOKENS_PER_SECOND
    as_text = prices.price(model, Usage(input_text=text_tokens), price_table)
    as_audio = prices.price(model, Usage(input_audio=audio_tokens), price_table)
    if args.json:
        print_json(
            {
                "text_tokens": text_tokens,
                "audio_seconds": round(seconds, 3),
                "audio_tokens": audio_tokens,
                "ratio": round(audio_tokens / text_tokens, 2) if text_tokens else None,
                "audio_tokens_per_second": round(rate, 2),
                "measured": args.measure,
                "estimate": estimate,
                "usd": {"text": as_text, "audio": as_audio},
                "model": model,
                "estimated": estimated,
            }
        )
        return 0
    sign = {estimated: "~"} | ({} if args.measure or is_exact() else {"text_tokens": "~"})
    rows = [
        ("", "tokens", "seconds", f"USD ({model})"),
        ("as text", f"{sign.get('text_tokens', '')}{text_tokens:,}", "", _usd(as_text)),
        (
            "as speech",
            f"{sign.get('audio_seconds', '')}{audio_tokens:,}",
            f"{sign.get('audio_seconds', '')}{seconds:.1f}",
            _usd(as_audio),
        ),
    ]
    if args.measure:
        rows.append(
            ("estimate", f"{estimate['audio_tokens']:,}", f"{estimate['audio_seconds']:.1f}", "")
        )
    print(table(rows))
    if text_tokens:
        print(
            f"Speech takes {audio_tokens / text_tokens:.1f} times as many tokens: "
            f"{rate:.0f} a second. {'Measured at the server' if args.measure else '~: estimated'}. "
            f"Prices of {price_table.as_of}."
        )
    return 0


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
