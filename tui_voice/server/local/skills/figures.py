"""Arithmetic and units, from figures or from words for them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tui_voice.server.local.skills.talk import Talk

_UNDER_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_DECADES = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: n for n, word in enumerate(_UNDER_TWENTY.split())} | {
    w: 20 + 10 * n for n, w in enumerate(_DECADES.split())
}
_BIG = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

_PHRASES = (
    (
        r"what(?:'s| is| are)|how much (?:is|are|does)|calculate|compute|work out|equals?|make[s]?|"
        r"can you|could you|please|tell me|so|the (?:sum|result|answer)(?: of)?|ok|okay|and what",
        " ",
    ),
    (r"divided by|over", "/"),
    (r"multiplied by|times", "*"),
    (r"plus|added to", "+"),
    (r"minus|less", "-"),
    (r"to the power of|raised to(?: the power of)?", "^"),
    (r"squared", "^2"),
    (r"cubed", "^3"),
    (r"(?:the )?square root of", "√"),
    (r"half of", "0.5 *"),
    (r"a third of", "1/3 *"),
    (r"a quarter of", "0.25 *"),
    (r"(?:percent|per cent) of", "/100 *"),
)
_OPERATIONS = tuple((re.compile(rf"(?<!\w)(?:{p})(?!\w)", re.I), sign) for p, sign in _PHRASES)
_PERCENT = re.compile(r"(?<=\d)\s*%\s*of\b", re.I)
_HOMOPHONE = re.compile(
    r"((?:times|plus|minus|divided by|multiplied by)\s+)(for|to|too|won|ate)(?=\W*$)", re.I
)
_MEANT = {"for": "4", "to": "2", "too": "2", "won": "1", "ate": "8"}
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[-+*/^√()]")
_SAID = {
    "*": " times ",
    "/": " divided by ",
    "+": " plus ",
    "-": " minus ",
    "^": " to the power of ",
}

_LENGTH = {"millimet": 0.001, "centimet": 0.01, "met": 1.0, "kilomet": 1000.0, "inch": 0.0254}
_LENGTH |= {"foot": 0.3048, "feet": 0.3048, "yard": 0.9144, "mile": 1609.344}
_MASS = {"gram": 1.0, "kilo": 1000.0, "kilogram": 1000.0, "pound": 453.59237, "ounce": 28.349523}
_MASS |= {"tonne": 1e6, "ton": 1e6, "stone": 6350.29318}
_VOLUME = {"millilit": 0.001, "lit": 1.0, "cup": 0.2365882365, "pint": 0.473176473}
_VOLUME |= {"gallon": 3.785411784, "tablespoon": 0.0147867648, "teaspoon": 0.00492892159}
_SPAN = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
_SPAN |= {"year": 31_556_952.0}
_KINDS = (_LENGTH, _MASS, _VOLUME, _SPAN)
_SHORT = {
    "km": "kilomet",
    "m": "met",
    "cm": "centimet",
    "mm": "millimet",
    "kg": "kilo",
    "g": "gram",
}
_SHORT |= {"lb": "pound", "lbs": "pound", "oz": "ounce", "l": "lit", "ml": "millilit", "ft": "foot"}
_UNIT = r"[a-z°]+(?: celsius| fahrenheit)?"
_CONVERT = re.compile(
    rf"(?:(?P<n>-?[\d.]+)|\b(?P<one>an?|one))\s*(?P<from>{_UNIT})\s+"
    rf"(?:in|to|into|as|is in|equal in)\s+(?P<to>{_UNIT})\W*$",
    re.I,
)
_HOW_MANY = re.compile(
    rf"how many (?P<to>{_UNIT}) (?:are |is |make )?(?:there )?(?:in|are|is)?\s*(?:in )?"
    rf"(?:(?P<n>-?[\d.]+)|(?P<one>an?|one))\s*(?P<from>{_UNIT})\W*$",
    re.I,
)


def calculate(talk: Talk) -> str | None:
    """The result in a sentence; None where the words are no sum or conversion."""
    asked = figures(talk.asked)
    return _converted(asked) or _sum(asked)


def figures(text: str) -> str:
    """Words for numbers as figures: "three hundred and twenty" to "320"."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    out: list[str] = []
    number: _Number | None = None
    for word in re.findall(r"\s+|[^\s-]+|-", text):
        bare = word.lower().strip(".,?!")
        if number is None and (bare in _SMALL):
            number = _Number(_SMALL[bare])
        elif number is not None and number.take(bare):
            pass
        elif number is not None and (word.isspace() or word == "-" or bare == "and"):
            number.gap += word
            continue
        else:
            if number is not None:
                out.append(f"{number.value}{number.gap}")
                number = _Number(_SMALL[bare]) if bare in _SMALL else None
            if number is None:
                out.append(word)
                continue
        assert number is not None
        number.gap = word[len(word.rstrip(".,?!")) :]
    if number is not None:
        out.append(f"{number.value}{number.gap}")
    return "".join(out)


class _Number:
    """A number heard word by word."""

    def __init__(self, value: int) -> None:
        self._done, self._part, self.gap = 0, value, ""
        self._open = value >= 20

    @property
    def value(self) -> int:
        return self._done + self._part

    def take(self, word: str) -> bool:
        """Whether the word goes on with this number."""
        if word in _BIG and self._part:
            size = _BIG[word]
            self._part *= size
            if size > 100:
                self._done, self._part = self._done + self._part, 0
            self._open = True
            return True
        small = _SMALL.get(word)
        if small is None or not small or not self._open:
            return False
        room = 10 if self._part % 100 else 100
        if (self._part % 100 and small >= 10) or small >= room:
            return False
        self._part += small
        self._open = small >= 20
        return True


@dataclass(slots=True)
class _Sum:
    """Reads signs by rank: + − before × ÷ before powers and roots."""

    tokens: list[str]
    at: int = 0

    def value(self, rank: int = 0) -> float:
        if rank == 3:
            return self._atom()
        left = self.value(rank + 1)
        while self.at < len(self.tokens) and self.tokens[self.at] in ("+-", "*/", "^")[rank]:
            sign = self.tokens[self.at]
            self.at += 1
            right = self.value(rank if sign == "^" else rank + 1)
            left = _apply(left, sign, right)
        return left

    def _atom(self) -> float:
        if self.at >= len(self.tokens):
            raise ValueError("the sum ends early")
        token = self.tokens[self.at]
        self.at += 1
        if token == "-":
            return -self._atom()
        if token == "√":
            return math.sqrt(self._atom())
        if token == "(":
            inner = self.value()
            if self.at >= len(self.tokens) or self.tokens[self.at] != ")":
                raise ValueError("a bracket stays open")
            self.at += 1
            return inner
        return float(token)


def _apply(left: float, sign: str, right: float) -> float:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case _:
            if abs(right) > 1000:
                raise OverflowError
            return float(left**right)


def _sum(asked: str) -> str | None:
    text = _PERCENT.sub(" percent of ", asked)
    text = _HOMOPHONE.sub(lambda found: found[1] + _MEANT[found[2].lower()], text)
    for pattern, sign in _OPERATIONS:
        text = pattern.sub(f" {sign} ", text)
    text = re.sub(r"(?<=\d)\s*[x×]\s*(?=\d)", " * ", text).replace("÷", "/").replace("−", "-")
    text = text.strip(" ?.!=,")
    tokens = _TOKEN.findall(text)
    if re.sub(r"[\s,]", "", text) != "".join(tokens) or len(tokens) < 2 or tokens[0] in "*/^":
        return None
    if re.fullmatch(r"[\d.]+|-?\d+(?:-\d+)+|\d+/\d+/\d+", "".join(tokens)):
        return None  # a figure, a telephone number, a date
    try:
        reader = _Sum(tokens)
        result = reader.value()
        if reader.at < len(tokens):
            return None
    except ZeroDivisionError:
        return "Nothing can be divided by zero."
    except (ValueError, OverflowError):
        return None
    if isinstance(result, complex) or not math.isfinite(result):
        return None
    return f"{_read(tokens)} is {number(result)}."


def _read(tokens: list[str]) -> str:
    text = "".join(_SAID.get(t, "the square root of " if t == "√" else t) for t in tokens)
    text = text.replace(" divided by 100 times ", " percent of ").strip()
    text = re.sub(r"^minus\s+", "minus ", text).replace(" to the power of 2", " squared")
    return text[0].upper() + text[1:]


def number(value: float) -> str:
    """At most six telling figures; whole where it is whole."""
    if abs(value - round(value)) < 1e-9 and abs(value) < 1e15:
        return str(round(value))
    return f"{value:.6g}" if abs(value) >= 1e6 else f"{value:.4f}".rstrip("0").rstrip(".")


def _converted(asked: str) -> str | None:
    found = _CONVERT.search(asked) or _HOW_MANY.search(asked)
    if found is None:
        return None
    amount = 1.0 if found["one"] else float(found["n"].strip(".") or 0)
    warm = _degrees(amount, found["from"], found["to"])
    if warm is not None:
        return (
            f"{number(amount)} degrees {warm[0]} is {number(round(warm[1], 1))} degrees {warm[2]}."
        )
    for kind in _KINDS:
        here, there = _unit(found["from"], kind), _unit(found["to"], kind)
        if here and there:
            result = amount * kind[here] / kind[there]
            said = number(float(f"{result:.4g}"))
            return f"{number(amount)} {_full(found['from'])} is {said} {_full(found['to'])}."
    return None


def _unit(name: str, kind: dict[str, float]) -> str | None:
    name = name.lower()
    root = _SHORT.get(name) or re.sub(r"(?:res|ers|re|er|es|s)$", "", name)
    root = root if root in kind else name.removesuffix("s")
    return root if root in kind else None


def _full(name: str) -> str:
    long = {"km": "kilometres", "cm": "centimetres", "mm": "millimetres", "m": "metres"}
    long |= {"kg": "kilograms", "g": "grams", "lb": "pounds", "lbs": "pounds", "oz": "ounces"}
    return (long | {"l": "litres", "ml": "millilitres", "ft": "feet"}).get(
        name.lower(), name.lower()
    )


def _degrees(amount: float, one: str, other: str) -> tuple[str, float, str] | None:
    scales = {"c": "Celsius", "f": "Fahrenheit"}

    def scale(name: str) -> str | None:
        name = name.lower().removeprefix("degrees").removeprefix("degree").strip(" °")
        return scales.get(name[:1]) if name in ("c", "f", "celsius", "fahrenheit") else None

    here, there = scale(one), scale(other)
    if here is None or there is None or here == there:
        return None
    result = amount * 9 / 5 + 32 if here == "Celsius" else (amount - 32) * 5 / 9
    return here, result, there
