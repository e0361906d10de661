"""Imports `audioop` from the standard library, and from Python 3.13 on from `audioop-lts`."""

import warnings

with warnings.catch_warnings():
    # Python 3.11 and 3.12 announce that the module leaves the standard library in 3.13.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

__all__ = ["audioop"]
