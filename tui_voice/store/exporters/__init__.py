"""A talk for reading elsewhere: one module a format, each from the same `Document`."""
