"""Containers that keep their own lines (ground and edge) until these change.

Textual asks every widget near a change for its lines, and works out the colours of a container
again each time. While a reply came that took 28 % of the processor time of the app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from rich.style import Style
from textual.containers import Horizontal, Vertical
from textual.geometry import Region, Size
from textual.strip import Strip

from tui_voice.ui.widgets.line_widget import cropped, finished

if TYPE_CHECKING:
    from textual.widget import Widget as _Base
else:
    _Base = object  # Textual takes the CSS of the first base that is a widget


class KeepsLines(_Base):
    """Put before the class of a widget: the widget renders its lines once, and again after each
    `refresh` and each change of its style or size.
    """

    _kept: list[Strip] | None = None
    _kept_size: Size | None = None

    def notify_style_update(self) -> None:
        self._kept = None
        super().notify_style_update()

    def refresh(self, *regions: Region, **how: Any) -> Self:
        self._kept = None
        return super().refresh(*regions, **how)

    def render_lines(self, crop: Region) -> list[Strip]:
        size = self.outer_size
        if self._kept is None or self._kept_size != size:
            self._kept, self._kept_size = self._all_lines(size), size
        return cropped(self._kept, crop)

    def _all_lines(self, size: Size) -> list[Strip]:
        return super().render_lines(size.region)


class Ground(KeepsLines):
    """For a container: where it has no edge, its lines are its ground alone, and all are equal."""

    def _all_lines(self, size: Size) -> list[Strip]:
        if self.styles.gutter:
            return super()._all_lines(size)
        ground = self.background_colors[1]
        blank = Strip.blank(size.width, Style.from_color(bgcolor=ground.rich_color))
        return finished(self, [blank], ground) * size.height


class Rows(Ground, Vertical):
    """A `Vertical` that keeps its lines."""


class Columns(Ground, Horizontal):
    """A `Horizontal` that keeps its lines."""
