"""One session as a pure state machine: events in; decisions and effects out.

Nothing in this package reads a clock, opens a file or draws a random number. All that it knows
comes from events, and all that it wants done is an effect.
"""
