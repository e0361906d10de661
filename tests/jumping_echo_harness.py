"""Plays what a loudspeaker plays into a microphone, later by 60 ms after every 2 s of sound.

    python tests/jumping_echo_harness.py SOURCE SINK

So does a loudspeaker that runs dry, a pipe, or Bluetooth. It reads with `parec`, and writes with
`pacat`; both find their sound server by the environment. Between replies it drops silence until the
sound is on time again. It prints a line when it is ready, and one at each jump.
"""

from __future__ import annotations

import array
import fcntl
import subprocess
import sys
import termios
import time
from typing import IO

RATE = 24_000
_BLOCK = RATE // 100 * 2
"""Bytes of 10 ms."""
_JUMP_MS, _EVERY_MS = 60, 2_000
_SILENT_BLOCKS = 20
"""Blocks of silence (200 ms) after which a pause between replies may have begun."""
_FORMAT = (f"--rate={RATE}", "--channels=1", "--format=s16le", "--raw")


def waiting(pipe: IO[bytes]) -> int:
    """Returns how many bytes its reader has not taken yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def main() -> None:
    source, sink = sys.argv[1:]
    writer = subprocess.Popen(
        ["pacat", "-d", sink, "--latency-msec=60", *_FORMAT], stdin=subprocess.PIPE, bufsize=0
    )
    assert writer.stdin is not None
    writer.stdin.write(bytes(20 * _BLOCK))
    while waiting(writer.stdin) and writer.poll() is None:
        time.sleep(0.01)
    reader = subprocess.Popen(
        ["parec", "-d", source, "--latency-msec=10", *_FORMAT], stdout=subprocess.PIPE
    )
    assert reader.stdout is not None
    print("ready", flush=True)
    sounding = silent = 0
    try:
        while len(block := reader.stdout.read(_BLOCK)) == _BLOCK:
            if any(block):
                sounding, silent = sounding + 1, 0
            else:
                silent += 1
                if silent > _SILENT_BLOCKS and waiting(writer.stdin) > 2 * _BLOCK:
                    continue
            if sounding * 10 >= _EVERY_MS:
                sounding = 0
                writer.stdin.write(bytes(_JUMP_MS // 10 * _BLOCK))
                print("jump", flush=True)
            writer.stdin.write(block)
    except BrokenPipeError:  # the sound server has ended
        pass
    finally:
        reader.kill()
        writer.kill()


if __name__ == "__main__":
    main()
