"""The one audio format inside the program: 16-bit PCM, little endian, mono, 24 000 samples/s.

It is the format of the Realtime API. These numbers stand apart from `pcm` so that a module can
use them without loading numpy.
"""

RATE = 24_000
"""Samples per second."""
WIDTH = 2
"""Bytes per sample."""
SAMPLES_PER_MS = RATE // 1000
BYTES_PER_MS = SAMPLES_PER_MS * WIDTH
FRAME_MS = 20
"""Milliseconds of one captured frame. A sample waits 10 ms on average until its frame is full;
frames of 40 ms would double that and save 5 % of the bytes on the wire.
"""
