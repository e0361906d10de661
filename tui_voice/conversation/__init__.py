"""Facts in, intentions out: the talk itself, with no input or output of its own.

Nothing in this room reads a clock, opens a file or draws a random number; what it knows, it was
told by an `Event`, and what it wants done, it hands out as an `Effect`.
"""
