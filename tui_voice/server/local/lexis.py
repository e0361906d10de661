"""Words and sentences, compared by meaning as far as spelling carries: for skills and summaries."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

WORD = re.compile(r"[^\W_]+(?:['.,:-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=\S)|\n+")
_TITLE = re.compile(r"(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|St|vs|e\.g|i\.e|No|[A-HJ-Z])\.$")
_SUFFIXES = ("ations", "ation", "ings", "ing", "ies", "ied", "edly", "ed", "es", "ic", "al", "ly")

_COMMON = """
a an the and or but if so then than that this these those there here it its it's i me my mine
myself we us our ours you your yours he him his she her hers they them their theirs what who
whom whose which when where why how is am are was were be been being do does did done doing have
has had having will would shall should can could may might must of in on at to for from with by
about into over after before as up down out off again just also very really too not no nor don't
doesn't didn't isn't aren't wasn't i'm i've i'll i'd you're you've we're we've he's she's
they're that's there's what's who's where's whats wheres whos whens hows dont let's ok okay oh
well yes yeah hi hello hey please thanks thank um uh like actually maybe more most some any all
got get know now still ever again much many
"""
STOP = frozenset(_COMMON.split())
_SAME = (
    ("name", "call", "named", "names"),
    ("live", "home", "town", "city", "address", "reside", "move", "moved", "based"),
    ("old", "age", "aged", "birthday", "born"),
    ("job", "work", "profession", "occupation", "employ", "career"),
    ("wife", "spouse"),
    ("kid", "child", "children"),
    ("favourite", "favorite", "prefer", "preferred"),
    ("colour", "color"),
    ("phone", "telephone", "mobile"),
    ("doctor", "dr"),
    ("cost", "price", "pay", "budget", "spend"),
    ("holiday", "vacation", "trip", "travel"),
    ("begin", "start"),
    ("purchase", "buy", "bought"),
    ("go", "going", "goes", "went", "gone"),
    ("mother", "mum", "mom", "mama", "mummy", "mommy"),
    ("father", "dad", "daddy", "papa"),
    ("grandmother", "grandma", "granny", "nan"),
    ("grandfather", "grandpa", "grandad"),
    ("film", "movie"),
    ("flat", "apartment"),
    ("photo", "picture"),
    ("choose", "chose", "chosen", "pick", "select"),
    ("ill", "sick"),
    ("leave", "left", "put", "park", "parked", "keep"),
)
_PAST = {
    "became": "become", "began": "begin", "broke": "break", "brought": "bring", "built": "build",
    "came": "come", "cost": "cost", "cut": "cut", "did": "do", "drank": "drink", "drove": "drive",
    "driven": "drive", "ate": "eat", "eaten": "eat", "fell": "fall", "felt": "feel",
    "flew": "fly", "flown": "fly", "found": "find", "gave": "give", "given": "give",
    "grew": "grow", "grown": "grow", "hid": "hide", "hidden": "hide", "kept": "keep",
    "left": "leave", "lent": "lend", "lost": "lose", "made": "make", "met": "meet",
    "paid": "pay", "ran": "run", "rode": "ride", "sang": "sing", "sat": "sit", "saw": "see",
    "seen": "see", "sent": "send", "slept": "sleep", "sold": "sell", "spent": "spend",
    "spoke": "speak", "spoken": "speak", "stood": "stand", "stolen": "steal", "swam": "swim",
    "taken": "take", "took": "take", "taught": "teach", "thought": "think", "threw": "throw",
    "won": "win", "wore": "wear", "wrote": "write", "written": "write",
}  # fmt: skip
"""English words that change in the middle; the others lose their ending."""


def stem(word: str) -> str:
    """A rough root: `allergic` and `allergy`, `cities` and `city` come out alike."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    word = _PAST.get(word, word)
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word.removesuffix(suffix)
            break
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if len(word) > 3 and word[-1] in "eyi":
        word = word[:-1]
    return word


_MEANING = {stem(word): group[0] for group in _SAME for word in group}
"""Words of one group count as one another."""


def words(text: str) -> list[str]:
    """The words and figures of `text` as written."""
    return WORD.findall(text.replace("’", "'"))


def content(text: str) -> list[str]:
    """Roots of the words that say something, in order; synonyms made one."""
    told = (word for word in words(text) if word.lower().removesuffix("'s") not in STOP)
    roots = (stem(word) for word in told if word.lower() not in STOP)
    return [_MEANING.get(root, root) for root in roots]


def sentences(text: str) -> list[str]:
    """Sentences without outer blanks; lines of their own are sentences of their own."""
    out: list[str] = []
    for part in _SENTENCE.split(text):
        if out and _TITLE.search(out[-1]):
            out[-1] += " " + part.strip()
        elif part.strip():
            out.append(part.strip())
    return out


class Rarity:
    """How telling a root is, from the lines of one talk: log-scaled, 1 for an unseen root."""

    def __init__(self, lines: Iterable[Sequence[str]]) -> None:
        counts: Counter[str] = Counter()
        total = 0
        for roots in lines:
            total += 1
            counts.update(set(roots))
        self._counts, self._total = counts, total

    def __call__(self, root: str) -> float:
        if not self._total:
            return 1.0
        return math.log(1 + self._total / (1 + self._counts[root])) / math.log(1 + self._total)
