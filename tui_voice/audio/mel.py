"""Bands of a mel spectrogram, which sound models take as input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mel_filters(
    edges: NDArray[np.float64], frequencies: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the weight, 0 to 1, of each frequency in each band, of shape (bands, frequencies).

    A band is a triangle over three neighbours of `edges` (Hz, two more than bands).
    `frequencies`: of the bins of the spectrum, in Hz.
    """
    lower, peak, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - lower) / (peak - lower)
    falling = (upper - frequencies) / (upper - peak)
    return np.maximum(0.0, np.minimum(rising, falling))
