"""The composition root: which rows the extensible tables have while a command runs.

The tables are plain dictionaries in the packages that use them. The laboratory's rows are added
here, because the product itself must not import `tui_voice.lab`. The settings do not know the
tables either: they are checked against `CHOICES`. Every import waits until a table is needed, so
that `tui-voice --help` and the first paint do not load them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_voice.config import Settings


def policies() -> Iterable[str]:
    """Returns the names of all policies. Adds the laboratory's rows to the table."""
    from tui_voice.conversation.policies import POLICIES
    from tui_voice.lab.policies import LAB_POLICIES

    POLICIES.update(LAB_POLICIES)
    return POLICIES


def summarising_policies() -> Iterable[str]:
    """Returns the names of the policies that summarise when the window reaches the trigger."""
    from tui_voice.conversation.policies import POLICIES

    return [name for name in policies() if POLICIES[name].summarises]


def summary_styles() -> Iterable[str]:
    """Returns the names of all summary styles."""
    from tui_voice.runtime.summary_styles import SUMMARY_STYLES

    return SUMMARY_STYLES


def backends() -> Iterable[str]:
    """Returns the names that `backend.kind` may have."""
    from tui_voice.runtime.backends import backend_names

    return backend_names()


def key_actions() -> Iterable[str]:
    """Returns the ids of all actions that have a key, those of added screens among them."""
    from tui_voice.ui.screen_table import key_actions as actions

    return [action.id for action in actions()]


def check(settings: Settings) -> None:
    """Raises SettingsError where a chosen row of a table needs a setting that is not set, and for a
    theme that does not exist.
    """
    from tui_voice.runtime.backends import check_needs

    check_needs(settings)
    if settings.cost.prices:
        from tui_voice.conversation import prices

        prices.merge(prices.PRICES, settings.cost.prices)  # raises it for an unknown figure
    theme = settings.ui.theme
    if theme is not None and theme not in (names := themes()):
        from tui_voice.config.sources import EDIT_HINT, shown
        from tui_voice.config.value_types import one_of
        from tui_voice.errors import SettingsError

        raise SettingsError(
            f"{settings.origin('ui.theme')}: ui.theme is {shown(theme)}; "
            f"allowed is {one_of(names)}, or none.",
            EDIT_HINT,
        )


def themes() -> list[str]:
    """Returns the names of our themes and of Textual's."""
    from textual.theme import BUILTIN_THEMES

    from tui_voice.ui.theme import THEMES

    return [*(theme.name for theme in THEMES), *sorted(BUILTIN_THEMES)]


def voices() -> Iterable[str]:
    """Returns the names of the voices that every server of the Realtime API has."""
    from tui_voice.ui.slash_commands import VOICES

    return VOICES


def realtime_models() -> Iterable[str]:
    """Returns the names of the realtime models whose prices are known."""
    from tui_voice.conversation.prices import PRICES

    return [name for name in PRICES.models if "realtime" in name]


def profiles() -> Iterable[str]:
    """Returns the names of the profiles that are shipped."""
    from tui_voice.config.shipped_profiles import shipped_profiles

    return shipped_profiles()


SUGGESTIONS: Mapping[str, Callable[[], Iterable[str]]] = {
    "backend.voice": voices,
    "backend.model": realtime_models,
    "session.profile": profiles,
    "ui.theme": themes,
}
"""Setting → names that the settings screen offers for it."""

CHOICES: Mapping[str, Callable[[], Iterable[str]]] = {
    "context.policy": policies,
    "summary.style": summary_styles,
    "backend.kind": backends,
    "keys": key_actions,
}
"""Setting → the names that are allowed for it."""
