"""What it costs to read a 100 ms audio delta and a word of transcript: ours, `json`, `openai`.

Run: `python benchmarks/wire.py`. Medians of many rounds; trust the ratios.
"""

from __future__ import annotations

import base64
import json
import statistics
import timeit
from collections.abc import Callable

from openai._models import construct_type
from openai.types.realtime.realtime_server_event import RealtimeServerEvent

from benchmarks.figures import note
from tui_voice.realtime.wire import decode_client, decode_server, encode
from tui_voice.realtime.wire.client import InputAudioBufferAppend

HEAD = {
    "event_id": "event_" + "a" * 21,
    "response_id": "resp_" + "b" * 21,
    "item_id": "item_" + "c" * 21,
    "output_index": 0,
    "content_index": 0,
}
SOUND = bytes(range(256)) * 18 + bytes(192)  # 4 800 bytes: 100 ms at 24 kHz
AUDIO = json.dumps(
    {"type": "response.output_audio.delta", "delta": base64.b64encode(SOUND).decode(), **HEAD}
)
TEXT = json.dumps({"type": "response.output_audio_transcript.delta", "delta": " word", **HEAD})
APPEND = encode(InputAudioBufferAppend(audio=SOUND))


def micros(work: Callable[[], object]) -> float:
    """Median µs of one call."""
    rounds = timeit.repeat(work, number=500, repeat=15)
    return statistics.median(rounds) / 500 * 1e6


def by_json() -> bytes:
    return base64.b64decode(json.loads(AUDIO)["delta"])


def by_openai(frame: str) -> object:
    return construct_type(value=json.loads(frame), type_=RealtimeServerEvent)


def main() -> None:
    rows = [
        ("read an audio delta", "ours", micros(lambda: decode_server(AUDIO))),
        ("read an audio delta", "json + base64", micros(by_json)),
        ("read an audio delta", "openai models", micros(lambda: by_openai(AUDIO))),
        ("read a transcript delta", "ours", micros(lambda: decode_server(TEXT))),
        ("read a transcript delta", "openai models", micros(lambda: by_openai(TEXT))),
        ("serve: read an append", "ours", micros(lambda: decode_client(APPEND))),
        ("write an append", "ours", micros(lambda: encode(InputAudioBufferAppend(audio=SOUND)))),
    ]
    print(f"{'what':26}{'by':16}{'µs':>8}")
    for what, by, cost in rows:
        print(f"{what:26}{by:16}{cost:8.2f}")
        ours = next(one for same, own, one in rows if same == what and own == "ours")
        if by != "ours" or sum(same == what for same, _, _ in rows) == 1:
            compared = {"by": by, "other": cost} if by != "ours" else {}
            note(what, ours, "µs", **compared)


if __name__ == "__main__":
    main()
