"""Looking back at the whole talk: repeat, recap, and what this partner is."""

from __future__ import annotations

import re

from tui_voice.server.local.skills.asking import looks_back
from tui_voice.server.local.skills.clause import is_question
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
_OUTSIDE = re.compile(
    r"\b(?:is|are|'s|will|do you know|tell me|any)\b.*\b(?:weather|forecast|news|headlines|traffic|"
    r"exchange rate|share price|temperature outside)\b|"
    r"\b(?:will|is) it (?:be |going to (?:be )?)?(?:rain|snow|sunny|cold|warm|hot|windy)\w*\b|"
    r"\bhow (?:cold|warm|hot) is it\b",
    re.I,
)
_OPINION = re.compile(r"\b(?:you (?:think|like|feel|mean)|favou?rite|my|our)\b", re.I)


def review(talk: Talk) -> str | None:
    """A repetition, a recap or a word about what we are and cannot know; None for other words."""
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
    outside = is_question(talk.asked) and _OUTSIDE.search(talk.asked)
    if outside and not (looks_back(talk.asked) or _OPINION.search(talk.asked)):
        return "I can't know that: I run on your machine alone and see nothing outside of it."
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
