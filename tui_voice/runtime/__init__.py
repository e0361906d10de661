"""The loop and the clock: a talk that is alive, or played back."""
