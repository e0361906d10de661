"""Whether the locale of the terminal is one of UTF-8."""

from __future__ import annotations

from collections.abc import Mapping

_SET_BY_PYTHON = ("C.UTF-8", "C.utf8", "UTF-8")
"""What Python itself writes into LC_CTYPE where the locale is C or POSIX (PEP 538)."""


def is_utf8(environ: Mapping[str, str]) -> bool:
    """Returns whether the locale that the environment names may print UTF-8; so may one that is not
    named, or that names no encoding.

    The encoding of Python's standard streams does not tell: in the locales C and POSIX it is UTF-8,
    too (PEP 540).
    """
    language = environ.get("LANG", "")
    ctype = environ.get("LC_CTYPE", "")
    if language in ("C", "POSIX") and ctype in _SET_BY_PYTHON:
        ctype = ""
    name = environ.get("LC_ALL") or ctype or language
    encoding = name.partition(".")[2].partition("@")[0].lower().replace("-", "")
    return name not in ("C", "POSIX") and encoding in ("", "utf8")
