"""The parts of a screen. Each draws a value that it is given; none keeps session data."""
