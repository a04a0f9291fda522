"""Spectrograms of sound on the mel scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu import ops
from cornu.layers.layer import Layer


class MelSpectrogram(Layer):
    """The power of sound in bands of the mel scale, over time.

    The spectrum's magnitudes to the power of `mag_exp` are weighted by triangles, whose corners are evenly spread on
    the mel scale `1127 log(1 + f / 700)`. Decibels are `10 log10(max(p, min_power) / max(ref_power, min_power))`, at
    least their maximum minus `top_db`.

    Args:
        fft_length: The length of the transforms.
        sequence_stride: The distance of their windows, in samples.
        sequence_length: The length of the windows; that of the transforms if missing.
        window: "hann", "hamming", a vector, or None.
        sampling_rate: Samples per second.
        num_mel_bins: How many bands there are.
        min_freq: The lowest frequency of a band.
        max_freq: The highest; half the sampling rate if missing.
        power_to_db: Whether the result is in decibels.
        top_db: How far below the maximum, over the batch, decibels may lie; None for no limit.
        mag_exp: The power of magnitudes.
        min_power: What less power counts as.
        ref_power: What 0 decibels are.

    Raises:
        ValueError: If the transforms are shorter than the windows.

    Shape:
        [..., time] to [..., num_mel_bins, windows].

    Source:
        Davis and Mermelstein, "Comparison of Parametric Representations for Monosyllabic Word Recognition in
        Continuously Spoken Sentences", 1980.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.MelSpectrogram(fft_length=64, sequence_stride=16, num_mel_bins=8)
        >>> layer(cornu.ops.ones((2, 160))).shape
        (2, 8, 11)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float | None = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fft_length = fft_length
        self.sequence_stride = sequence_stride
        self.sequence_length = sequence_length or fft_length
        if self.sequence_length > fft_length:
            raise ValueError(
                "MelSpectrogram: `fft_length` must be at least `sequence_length`, "
                f"got sequence_length={self.sequence_length}, fft_length={fft_length}."
            )
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = num_mel_bins
        self.min_freq = min_freq
        self.max_freq = max_freq or int(sampling_rate / 2)
        if not 0 <= min_freq < self.max_freq <= sampling_rate / 2:
            raise ValueError(
                "MelSpectrogram: frequencies must satisfy 0 <= min_freq < max_freq <= sampling_rate / 2, "
                f"got min_freq={min_freq}, max_freq={self.max_freq}, sampling_rate={sampling_rate}."
            )
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power
        self._bands = mel_bands(num_mel_bins, fft_length // 2 + 1, sampling_rate, min_freq, self.max_freq)
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, "float64" if self.compute_dtype == "float64" else "float32")
        rank = len(x.shape)
        x = ops.expand_dims(x, 0) if rank == 1 else x
        real, imag = ops.stft(x, self.sequence_length, self.sequence_stride, self.fft_length, self.window)
        power = ops.power(ops.square(real) + ops.square(imag), self.mag_exp / 2)
        bands = ops.swapaxes(ops.matmul(power, self._bands.astype(x.dtype)), -1, -2)
        if self.power_to_db:
            bands = self._decibels(bands)
        bands = ops.squeeze(bands, 0) if rank == 1 else bands
        return ops.cast(bands, self.compute_dtype)

    def _decibels(self, power: Any) -> Any:
        reference = 10.0 * math.log10(max(self.ref_power, self.min_power))
        found = ops.log10(ops.maximum(power, self.min_power)) * 10.0 - reference
        return found if self.top_db is None else ops.maximum(found, ops.max(found) - self.top_db)

    def get_config(self) -> dict[str, Any]:
        names = (
            "fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins", "min_freq",
            "max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def mel_bands(bands: int, bins: int, sampling_rate: float, low: float, high: float) -> np.ndarray:
    """How much each frequency of a spectrum counts in each band: [bins, bands]; the constant counts in none."""

    def mel(frequency: Any) -> Any:
        return 1127.0 * np.log1p(frequency / 700.0)

    places = mel(np.linspace(0.0, sampling_rate / 2, bins))[1:, None]
    corners = np.linspace(mel(low), mel(high), bands + 2)
    left, middle, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (places - left) / (middle - left), (right - places) / (right - middle)
    return np.concatenate([np.zeros((1, bands)), np.maximum(np.minimum(rising, falling), 0.0)])
