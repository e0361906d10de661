"""Turns written text into text for the voice: no markdown, no addresses, no abbreviations.

Numbers, money, clock times, dates and units stay as written, since hibari pronounces them well.
The replacements of abbreviations are English, as is the voice.
"""

from __future__ import annotations

import re
import unicodedata

_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.S)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_URL = re.compile(
    r"\b(?:https?://|www\.)([^\s/)>\]]*[^\s/)>\].,;:!?])(?:/[^\s)>\]]*[^\s)>\].,;:!?]|/)?", re.I
)
_MAIL = re.compile(r"\b([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)")
_HTML = re.compile(r"</?[a-z][^>]*>", re.I)
_RULE = re.compile(r"^\s*(?:[-*_=]\s*){3,}$", re.M)
_TABLE_RULE = re.compile(r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*:?-*:?\s*$", re.M)
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|>\s*|[-*+•]\s+|(\d{1,2})[.)]\s+)", re.M)
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3}|~~)(?=\S)(.+?)(?<=\S)\1(?!\w)", re.S)
_LINE_END = re.compile(r"(?<![.!?:;,…])[ \t]*\n+")
_SPACES = re.compile(r"\s+")

_ABBREVIATED = (
    (r"\be\.\s?g\.,?", "for example,"),
    (r"\bi\.\s?e\.,?", "that is,"),
    (r"\bvs\.?(?=\s)", "versus"),
    (r"\betc\.(?=\s+[a-z])", "et cetera"),
    (r"\bapprox\.", "approximately"),
    (r"\bmin\.(?=\s+[a-z])", "minutes"),
    (r"\bNo\.\s?(?=\d)", "number "),
    (r"\bpp?\.\s?(?=\d)", "page "),
    (r"\bw/o\b", "without"),
    (r"\bw/(?=\s|\w)", "with "),
    (r"(?<=\d)\s?[x×]\s?(?=\d)", " by "),
    (r"(?<=\d)\s?[–—]\s?(?=\d)", " to "),
    (r"\s[–—-]{1,3}\s|—", ", "),
    (r"(?<=\w)\s*&\s*(?=\w)", " and "),
    (r"\s*(?:→|->|=>)\s*", " to "),
    (r"~\s?(?=\d)", "about "),
    (r"≈\s?", "about "),
    (r"≤\s?", "at most "),
    (r"≥\s?", "at least "),
    (r"≠\s?", "is not "),
    (r"÷", " divided by "),
    (r"(?<=\d)\s?\*\s?(?=\d)", " times "),
    (r"(?<=\w)_+(?=\w)", " "),
)
_ABBREVIATIONS = tuple((re.compile(pattern), words) for pattern, words in _ABBREVIATED)


def spoken(text: str) -> str:
    """Returns English `text` as one line to be spoken; "" where no word is left."""
    text = _LINK.sub(r"\1", _CODE_BLOCK.sub(" ", text))
    text = _MAIL.sub(lambda m: f"{m[1]} at {m[2].replace('.', ' dot ')}", text)
    text = _URL.sub(lambda m: m[1].removeprefix("www.").replace(".", " dot "), text)
    text = _unmarked(text)
    for pattern, words in _ABBREVIATIONS:
        text = pattern.sub(words, text)
    return _speakable(text, _UNSPEAKABLE | _MARKS)


def plain(text: str) -> str:
    """Returns `text` in any language as one line without markup and control characters; "" where
    no word is left."""
    return _speakable(_unmarked(text), _UNSPEAKABLE)


def _unmarked(text: str) -> str:
    """Returns `text` without markdown and HTML; each line of it ends a sentence."""
    text = _LINK.sub(r"\1", _CODE_BLOCK.sub(" ", text))
    text = _HTML.sub(" ", text)
    text = _TABLE_RULE.sub("", _RULE.sub("", text))
    text = _LINE_MARK.sub(lambda m: f"{m[1]}, " if m[1] else "", text)
    text = text.replace("|", " ").replace("`", "")
    while (plainer := _EMPHASIS.sub(r"\2", text)) != text:
        text = plainer
    return _LINE_END.sub(". ", text.strip())


_UNSPEAKABLE = frozenset({"So", "Sk", "Cs", "Co", "Cc"})
"""Categories of Unicode: pictures, arrows, boxes, control characters."""
_MARKS = frozenset({"Cf", "Mn"})
"""Marks that belong to a letter, and invisible signs: other languages than English need them."""
_MARKUP = "*_#~^\\<>{}"


def _speakable(text: str, left_out: frozenset[str]) -> str:
    """Returns `text` as one line without the categories `left_out`; "" where no word is left.

    Signs of money, of degrees and of arithmetic are spoken.
    """
    kept = "".join(
        char
        for char in text
        if char.isspace()
        or char == "°"
        or (char not in _MARKUP and unicodedata.category(char) not in left_out)
    )
    line = _SPACES.sub(" ", kept).strip()
    return line if any(char.isalnum() for char in line) else ""
