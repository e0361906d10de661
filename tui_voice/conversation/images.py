"""How many tokens an image weighs in the window (estimate).

The Realtime API names no rule. This is that of OpenAI's guide "Images and vision" for models that
count by tiles: a base, and a number for each square of 512 pixels, after the image was made to fit
2,048 × 2,048 and its shorter side 768. `response.done` → `usage` corrects it.
"""

from __future__ import annotations

import math

BASE_TOKENS, TILE_TOKENS = 85, 170
_TILE, _LONGEST, _SHORTEST = 512, 2_048, 768


def image_tokens(width: int, height: int) -> int:
    """Tokens of an image of so many pixels. Example: 765 for 1,024 × 1,024."""
    width, height = max(1, width), max(1, height)
    scale = min(1.0, _LONGEST / max(width, height))
    scale *= min(1.0, _SHORTEST / (min(width, height) * scale))
    tiles = math.ceil(width * scale / _TILE) * math.ceil(height * scale / _TILE)
    return BASE_TOKENS + TILE_TOKENS * tiles
