"""Plays what a loudspeaker plays into a microphone, later by 60 ms after every 2 s of sound.

    python tests/jumping_echo_harness.py SOURCE SINK

So does a loudspeaker that runs dry, a pipe, or Bluetooth. It reads with `parec`, and writes with
`pacat`; both find their sound server by the environment. Between replies it drops silence until the
sound is on time again. It prints the number of its jumps, one line each.
"""

from __future__ import annotations

import subprocess
import sys

RATE = 24_000
_BLOCK = RATE // 100 * 2
"""Bytes of 10 ms."""
_JUMP_MS, _EVERY_MS = 60, 2_000
_SILENT_BLOCKS = 20
"""Blocks of silence (200 ms) after which a pause between replies may have begun."""
_FORMAT = (f"--rate={RATE}", "--channels=1", "--format=s16le", "--raw")


def main() -> None:
    source, sink = sys.argv[1:]
    reader = subprocess.Popen(
        ["parec", "-d", source, "--latency-msec=10", *_FORMAT], stdout=subprocess.PIPE
    )
    writer = subprocess.Popen(
        ["pacat", "-d", sink, "--latency-msec=60", *_FORMAT], stdin=subprocess.PIPE
    )
    assert reader.stdout is not None
    assert writer.stdin is not None
    late = sounding = silent = jumps = 0  # blocks, but for the jumps
    try:
        while len(block := reader.stdout.read(_BLOCK)) == _BLOCK:
            if any(block):
                sounding, silent = sounding + 1, 0
            else:
                silent += 1
                if late and silent > _SILENT_BLOCKS:
                    late -= 1
                    continue
            if sounding * 10 >= _EVERY_MS:
                sounding, jumps, late = 0, jumps + 1, late + _JUMP_MS // 10
                writer.stdin.write(bytes(_JUMP_MS // 10 * _BLOCK))
                print(jumps, flush=True)
            writer.stdin.write(block)
            writer.stdin.flush()
    except BrokenPipeError:  # the sound server has ended
        pass
    finally:
        reader.kill()
        writer.kill()


if __name__ == "__main__":
    main()
