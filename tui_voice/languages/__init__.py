"""The languages that a summary can be asked for by name, and which of them a text is in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MIN_CONFIDENCE = 0.7
"""Probability, 0–1, below which `detect_language` gives no answer. Short texts of names alone
("Trondheim, Marit, Bolla") reach 0.3; one sentence of ten words reaches 0.77 or more."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language, for example `Language("fr", "French", "français")`."""

    code: str
    """ISO 639-1."""
    name: str
    """In English; shown to the user."""
    own_name: str
    """In the language itself."""


LANGUAGES = (
    Language("ar", "Arabic", "العربية"),
    Language("zh", "Chinese", "中文"),
    Language("da", "Danish", "dansk"),
    Language("nl", "Dutch", "Nederlands"),
    Language("en", "English", "English"),
    Language("fr", "French", "français"),
    Language("de", "German", "Deutsch"),
    Language("el", "Greek", "ελληνικά"),
    Language("he", "Hebrew", "עברית"),
    Language("hi", "Hindi", "हिन्दी"),
    Language("it", "Italian", "italiano"),
    Language("ja", "Japanese", "日本語"),
    Language("ko", "Korean", "한국어"),
    Language("no", "Norwegian", "norsk"),
    Language("pl", "Polish", "polski"),
    Language("pt", "Portuguese", "português"),
    Language("ru", "Russian", "русский"),
    Language("es", "Spanish", "español"),
    Language("sv", "Swedish", "svenska"),
)


def is_spoken_language(setting: str) -> bool:
    """Return whether the setting asks for the language that is spoken: "same", "auto" or ""."""
    return setting.strip().casefold() in ("", "same", "auto")


def find_language(setting: str) -> Language | None:
    """Return the language named by its English name, its own name or its code ("fr", "fr-CA")."""
    wanted = setting.strip().casefold()
    code = wanted.partition("-")[0]
    for language in LANGUAGES:
        if wanted in (language.name.casefold(), language.own_name.casefold()):
            return language
        if code == language.code:
            return language
    return None


def detect_language(text: str) -> str:
    """Return the English name of the language of `text`, "" where the text gives no clear answer.

    The first call loads a model of 4.5 MB, which takes about 0.6 s: do not make it on an event
    loop. The text stays on this machine.
    """
    code, confidence = _identifier().classify(text)
    if confidence < MIN_CONFIDENCE:
        return ""
    return next(language.name for language in LANGUAGES if language.code == code)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # imports numpy

    # The library has no type annotations.
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)  # type: ignore[no-untyped-call]  # py3langid has no types
    identifier.set_languages([language.code for language in LANGUAGES])
    return identifier
