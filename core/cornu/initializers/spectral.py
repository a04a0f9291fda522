"""The kernel of a short-time Fourier transform."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.initializers.initializer import Initializer

# Cosine windows: coefficients a_k of sum_k (-1)^k a_k cos(2 pi k n / N).
_COSINE_WINDOWS = {
    "boxcar": (1.0,),
    "rectangular": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
}


class STFT(Initializer):
    """Cosine or sine waves under a window: `w[n] · cos(-2 pi n k / N)` or `w[n] · sin(-2 pi n k / N)`.

    The shape is `[frame_length, input_channels, bins]`, with `N = 2 (bins - 1)`.

    Args:
        side: "real" (cosine) or "imag" (sine).
        window: A name ("hann", "hamming", "blackman", "boxcar", "nuttall", "blackmanharris"), an array of
            `frame_length` numbers, or None.
        scaling: Divides the window by `sqrt(sum w²)` ("density"), by `sum |w|` ("spectrum") or not (None).
        periodic: Whether a named window has the period `frame_length` (as for spectra) or is symmetric; named as in
            Keras, whose True asks for the periodic form.

    Raises:
        ValueError: If an argument is not as described.

    Example:
        >>> STFT("real", "hann")((8, 1, 5)).shape
        (8, 1, 5)
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"STFT: `side` must be 'real' or 'imag', got {side!r}.")
        if isinstance(window, str) and window not in _COSINE_WINDOWS:
            raise ValueError(f"STFT: `window` must be one of {', '.join(_COSINE_WINDOWS)} or an array, got {window!r}.")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"STFT: `scaling` must be None, 'density' or 'spectrum', got {scaling!r}.")
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        frame, _, bins = shape
        angle = -2.0 * np.pi * np.outer(np.arange(frame), np.arange(bins)) / (2 * (bins - 1))
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        kernel = kernel * (self._scaled_window(frame)[:, None] if self.window is not None else 1.0)
        return np.array(np.broadcast_to(kernel[:, None, :], shape).astype(dtype))

    def _scaled_window(self, length: int) -> np.ndarray:
        window = _cosine_window(self.window, length, self.periodic) if isinstance(self.window, str) else self.window
        window = np.asarray(window, np.float64)
        if window.shape != (length,):
            raise ValueError(f"STFT: the window must have {length} elements, got shape {window.shape}.")
        if self.scaling == "density":
            return np.asarray(window / np.sqrt(np.sum(window**2)))
        return np.asarray(window / np.sum(np.abs(window))) if self.scaling == "spectrum" else window

    def get_config(self) -> dict[str, Any]:
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


def _cosine_window(name: str, length: int, periodic: bool) -> np.ndarray:
    if length == 1:
        return np.ones(1)
    phase = 2.0 * np.pi * np.arange(length) / (length if periodic else length - 1)
    terms = [(-1.0) ** k * a * np.cos(k * phase) for k, a in enumerate(_COSINE_WINDOWS[name])]
    return np.asarray(np.sum(terms, axis=0))
