"""Short-time spectra of signals, by waves that may be trained."""

from __future__ import annotations

from typing import Any

from cornu import initializers, ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format, standard_padding

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Layer):
    """The spectrum of each window of a signal: products with cosine and sine waves under a window function.

    Args:
        mode: What of the spectrum `r + i s` the result is: "magnitude" `sqrt(r^2 + s^2)`, "log" of it, "psd"
            `2 (r^2 + s^2)` (once at both ends), "real", "imag", "angle" `atan2(s, r)`, or "stft" for real and
            imaginary parts side by side.
        frame_length: The length of the windows.
        frame_step: Their distance; half their length if missing.
        fft_length: The length of the transforms, at least that of the windows; the next power of two if missing.
        window: A name such as "hann", "hamming", "blackman", "boxcar", a vector, or None.
        periodic: Whether a named window is periodic rather than symmetric.
        scaling: "density", "spectrum" or None; see `cornu.initializers.STFT`.
        padding: "valid" or "same".
        expand_dims: Whether frequencies have an axis of their own, before that of channels.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a setting is unknown or does not fit.

    Shape:
        [batch, time, channels] to [batch, windows, channels * frequencies], or with `expand_dims`
        [batch, windows, frequencies, channels]; channels come first with "channels_first".

    Example:
        >>> import cornu
        >>> cornu.layers.STFTSpectrogram(frame_length=32)(cornu.ops.ones((2, 200, 1))).shape
        (2, 11, 17)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mode not in _MODES:
            raise ValueError(f"STFTSpectrogram: `mode` must be one of {_MODES}, got {mode!r}.")
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                "STFTSpectrogram: `frame_step` must be a positive integer not greater than `frame_length`, "
                f"got frame_step={frame_step}, frame_length={frame_length}."
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                "STFTSpectrogram: `fft_length` must not be less than `frame_length`, "
                f"got fft_length={fft_length}, frame_length={frame_length}."
            )
        self._waves = [initializers.STFT(side, window, scaling, periodic) for side in ("real", "imag")]
        self.mode = mode
        self.frame_length = frame_length
        self.frame_step = frame_step
        self.fft_length = fft_length
        self.window = window
        self.periodic = periodic
        self.scaling = scaling
        self.padding = standard_padding(padding)
        self.expand_dims = expand_dims
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        """Creates the waves that the mode needs: `real_kernel` and `imag_kernel`, [frame_length, 1, frequencies]."""
        length = self.fft_length or 1 << (self.frame_length - 1).bit_length()
        shape = (self.frame_length, 1, length // 2 + 1)
        self.real_kernel = self.add_weight(shape, self._waves[0], name="real_kernel") if self.mode != "imag" else None
        self.imag_kernel = self.add_weight(shape, self._waves[1], name="imag_kernel") if self.mode != "real" else None

    def _spectrum(self, x: Any, kernel: Any) -> Any:
        """[n, channels, windows, frequencies] of [n, channels, time]."""
        n, channels, time = ops.shape(x)
        found = ops.conv(
            ops.reshape(x, (n * channels, time, 1)),
            kernel,
            strides=self.frame_step or max(self.frame_length // 2, 1),
            padding=self.padding,
            data_format="channels_last",
        )
        return ops.reshape(found, (n, channels, *ops.shape(found)[1:]))

    def _part(self, real: Any, imag: Any) -> Any:
        """What of the spectrum the mode is about."""
        if self.mode in ("real", "imag"):
            return real if self.mode == "real" else imag
        if self.mode == "stft":
            return ops.concatenate([real, imag], axis=-1)
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":
            # The other side of the spectrum counts too; as in Keras, the first and the last frequency have none.
            return power * ops.array([1.0, *[2.0] * (power.shape[-1] - 2), 1.0], power.dtype)
        # The root has no slope at 0, and the logarithm no value.
        magnitude = ops.sqrt(ops.maximum(power, 1e-14))
        return ops.log(magnitude) if self.mode == "log" else magnitude

    def call(self, inputs: Any) -> Any:
        last = self.data_format == "channels_last"
        x = ops.swapaxes(ops.cast(inputs, self.compute_dtype), 1, 2) if last else inputs
        kernels = (self.real_kernel, self.imag_kernel)
        spectra = [None if kernel is None else self._spectrum(x, kernel) for kernel in kernels]
        return self._arranged(self._part(*spectra), last)

    def _arranged(self, part: Any, last: bool) -> Any:
        """[n, channels, windows, frequencies] in the layout of the result."""
        if self.expand_dims:
            return ops.transpose(part, (0, 2, 3, 1)) if last else part
        n, channels, windows, frequencies = ops.shape(part)
        if last:
            return ops.reshape(ops.transpose(part, (0, 2, 1, 3)), (n, windows, channels * frequencies))
        return ops.reshape(ops.transpose(part, (0, 1, 3, 2)), (n, channels * frequencies, windows))

    def get_config(self) -> dict[str, Any]:
        names = (
            "mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding",
            "data_format", "expand_dims",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
