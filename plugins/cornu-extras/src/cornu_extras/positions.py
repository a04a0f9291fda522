"""Telling the places of a sequence apart."""

from __future__ import annotations

from typing import Any

from cornu import initializers, ops
from cornu.layers import Layer

from cornu_extras.checks import last_size, positive_integer


def angles(length: Any, size: int, max_wavelength: float, dtype: str) -> Any:
    """The angle of each place and each pair of features: `place · max_wavelength^(−2 pair / size)`.

    Args:
        length: The number of places.
        size: The number of features.
        max_wavelength: What the wavelengths, over 2π, grow to.
        dtype: The result's dtype.

    Returns:
        A tensor of shape `(length, size / 2)`.
    """
    # In float32 whatever the policy: half precision has no integers above 2,048, nor small frequencies.
    places = ops.cast(ops.arange(length), "float32")
    pairs = ops.cast(ops.arange(size // 2), "float32")
    frequencies = ops.power(ops.cast(max_wavelength, "float32"), ops.multiply(pairs, -2.0 / size))
    return ops.cast(ops.multiply(ops.expand_dims(places, 1), frequencies), dtype)


def _even_size(layer: str, name: str, shape: Any) -> int:
    size = last_size(layer, name, shape)
    if size % 2:
        raise ValueError(f"{layer} {name!r}: the last axis must have an even size, got shape {shape}.")
    return size


class SinePositionEncoding(Layer):
    """Adds sines and cosines of the place: features `2i` and `2i + 1` get `sin` and `cos` of `t · w^(−2i / size)`.

    Args:
        max_wavelength: The base `w` of the wavelengths.

    Shape:
        `(batch, time, size)` with an even size → the same.

    Raises:
        ValueError: The size is odd or open.

    Source:
        Vaswani et al., "Attention Is All You Need", NeurIPS 2017.

    Example:
        >>> SinePositionEncoding()(cornu.ops.zeros((1, 5, 8))).shape
        (1, 5, 8)
    """

    def __init__(self, max_wavelength: float = 10000.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_wavelength = float(max_wavelength)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks the size."""
        _even_size("SinePositionEncoding", self.name, input_shape)

    def call(self, inputs: Any) -> Any:
        """Adds the encoding."""
        length, size = ops.shape(inputs)[1], inputs.shape[-1]
        turned = angles(length, size, self.max_wavelength, "float32")
        pairs = ops.stack([ops.sin(turned), ops.cos(turned)], axis=-1)
        return ops.add(inputs, ops.cast(ops.reshape(pairs, (length, size)), inputs.dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "max_wavelength": self.max_wavelength}


class LearnedPositionEmbedding(Layer):
    """Adds a trained vector for each place: `x[t] + table[t]`.

    Where the model leaves the length open, the places from `max_length` on share the last vector.

    Args:
        max_length: The number of places.
        embeddings_initializer: What makes the first table.

    Shape:
        `(batch, time, size)` with `time` up to `max_length` → the same.

    Raises:
        ValueError: `max_length` is no positive integer, or a sequence of known length is longer.

    Source:
        Gehring et al., "Convolutional Sequence to Sequence Learning", ICML 2017.

    Example:
        >>> LearnedPositionEmbedding(10)(cornu.ops.zeros((1, 5, 8))).shape
        (1, 5, 8)
    """

    def __init__(self, max_length: int, embeddings_initializer: Any = "uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = positive_integer("LearnedPositionEmbedding", "max_length", max_length)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates `embeddings` (max_length, size)."""
        shape = (self.max_length, last_size("LearnedPositionEmbedding", self.name, input_shape))
        self.embeddings = self.add_weight(shape, self.embeddings_initializer, name="embeddings")

    def call(self, inputs: Any) -> Any:
        """Adds the vectors."""
        known = inputs.shape[1]
        if known is not None and known > self.max_length:
            raise ValueError(
                f"LearnedPositionEmbedding {self.name!r} has {self.max_length} places, got a sequence of {known}."
            )
        # Not a slice, which on an open length would end at the shorter of the two.
        places = ops.minimum(ops.arange(ops.shape(inputs)[1]), self.max_length - 1)
        return ops.add(inputs, ops.take(self.embeddings, places, axis=0))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
        }


class RotaryEmbedding(Layer):
    """Turns pairs of features by angles that grow with the place, so that products depend on distances alone.

    The features `i` and `i + size / 2` of the place `t` are turned by `t · w^(−2i / size)`.

    Args:
        max_wavelength: The base `w` of the wavelengths.

    Shape:
        `(batch, time, ..., size)` with an even size, such as queries `(batch, time, heads, size)` → the same.

    Raises:
        ValueError: The size is odd or open, or the input has fewer than three axes.

    Source:
        Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", arXiv:2104.09864, 2021.

    Example:
        >>> RotaryEmbedding()(cornu.ops.ones((1, 5, 2, 8))).shape
        (1, 5, 2, 8)
    """

    def __init__(self, max_wavelength: float = 10000.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_wavelength = float(max_wavelength)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks the shape."""
        if len(input_shape) < 3:
            raise ValueError(f"RotaryEmbedding {self.name!r} needs (batch, time, ..., size), got shape {input_shape}.")
        _even_size("RotaryEmbedding", self.name, input_shape)

    def call(self, inputs: Any) -> Any:
        """Turns the pairs."""
        size, between = inputs.shape[-1], len(inputs.shape) - 3
        turned = angles(ops.shape(inputs)[1], size, self.max_wavelength, "float32")
        turned = ops.expand_dims(turned, tuple(range(1, 1 + between))) if between else turned
        cosine, sine = ops.cast(ops.cos(turned), inputs.dtype), ops.cast(ops.sin(turned), inputs.dtype)
        first, second = ops.split(inputs, 2, axis=-1)
        return ops.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
