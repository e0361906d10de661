"""Looking back at the whole talk: repeat, recap, and what this partner is."""

from __future__ import annotations

import re

from tui_voice.server.local.skills.person import sentence, to_you
from tui_voice.server.local.skills.talk import Talk
from tui_voice.server.local.summary import telling

_REPEAT = re.compile(
    r"^\W*(?:(?:sorry|pardon|please|can you|could you|would you)[\s,.?!]*)*"
    r"(?:repeat(?: (?:that|it|this|yourself))?|say (?:that|it) (?:again|once more)|come again|"
    r"what did you (?:just )?say|what was that|pardon(?: me)?|once more)"
    r"(?: please)?(?: again)?\W*$",
    re.I,
)
_RECAP = re.compile(
    r"\b(?:recap|"
    r"sum(?:mari[sz]e)?(?: up)?(?: (?:the|our|this))?(?: (?:talk|conversation|chat|discussion|"
    r"so far))|(?:summari[sz]e|sum up) (?:that|what|everything)|what (?:have|did) we "
    r"(?:talk(?:ed)?|discuss(?:ed)?|spoken|speak|cover(?:ed)?)\b(?: about)?(?! .*\babout \w)|"
    r"where were we|what do you (?:know|remember) about me|what have i told you)\b",
    re.I,
)
_RECAP_ROOM = 420
"""Characters: about half a minute of speech."""
_ABILITY = re.compile(
    r"^\W*(?:what can you do|what are you able to do|who are you|what are you|"
    r"are you (?:a )?(?:robot|human|ai|real))\W*$",
    re.I,
)


def review(talk: Talk) -> str | None:
    """A repetition, a recap or a word about ourselves; None for other questions."""
    if _REPEAT.match(talk.said):
        said = next((t.text for t in reversed(talk.turns) if t.role == "assistant" and t.text), "")
        return f"I said: {said.strip()}" if said else "I have not said anything yet."
    if _RECAP.search(talk.asked):
        return _recap(talk)
    if _ABILITY.match(talk.asked):
        return (
            "I'm the small voice partner inside this program, and I run on your machine alone. "
            "I look up what you told me, recap, calculate and tell the time; "
            "my free talk comes from a tiny model and may be wrong."
        )
    return None


def _recap(talk: Talk) -> str:
    """What can be heard in half a minute: what the user told, turned round to them."""
    said = telling(talk.turns, _RECAP_ROOM)
    yours = [to_you(x.text) or f'"{x.text}"' for x in said if x.speaker == "user"]
    noted = [x.text.rstrip(" .") for x in said if x.speaker == "notes"]
    mine = [x.text.rstrip(" .") for x in said if x.speaker == "assistant"]
    parts = [f"You told me that {', '.join(yours)}"] if yours else []
    parts += [f"My notes say: {'; '.join(noted)}"] if noted else []
    parts += [f'I said: "{mine[-1]}"'] if mine else []
    return " ".join(map(sentence, parts)) or "We have not talked about anything yet."
