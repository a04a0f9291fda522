"""Rectified linear units."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from cornu import activations, ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import described, of_weights, resolve, weight


class ReLU(Layer):
    """`x` above the threshold (at most `max_value`), `negative_slope * (x - threshold)` below.

    Args:
        max_value: The largest output; None for no limit.
        negative_slope: The slope below the threshold.
        threshold: Where the function bends.

    Raises:
        ValueError: If a setting is negative.

    Example:
        >>> import cornu
        >>> cornu.layers.ReLU(max_value=1.0)(cornu.ops.convert_to_tensor([-3.0, 0.5, 7.0])).numpy().tolist()
        [0.0, 0.5, 1.0]
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise ValueError(f"max_value of a ReLU layer cannot be a negative value. Received: max_value={max_value}")
        if negative_slope is None or negative_slope < 0.0:
            raise ValueError(
                f"negative_slope of a ReLU layer cannot be a negative value. Received: negative_slope={negative_slope}"
            )
        if threshold is None or threshold < 0.0:
            raise ValueError(f"threshold of a ReLU layer cannot be a negative value. Received: threshold={threshold}")
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(Layer):
    """`x` where positive, `negative_slope * x` elsewhere.

    Args:
        negative_slope: The slope below 0.

    Raises:
        ValueError: If the slope is negative.

    Source:
        Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML 2013.

    Example:
        >>> import cornu
        >>> cornu.layers.LeakyReLU(0.5)(cornu.ops.array([-2.0, 3.0])).numpy().tolist()
        [-1.0, 3.0]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn("LeakyReLU: `alpha` is deprecated; it is called `negative_slope` now.", stacklevel=2)
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(
                f"LeakyReLU layer '{self.name}': `negative_slope` must be a number from 0 on, got {negative_slope!r}."
            )
        self.negative_slope = negative_slope
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class PReLU(Layer):
    """`x` where positive, `alpha * x` elsewhere, with slopes that are learnt.

    Args:
        alpha_initializer: What makes the first slopes.
        alpha_regularizer: A function added to the loss.
        alpha_constraint: A function applied after each update.
        shared_axes: Axes along which the slope is the same, counted from 1: for images `[1, 2]` gives one slope for
            each channel.

    Raises:
        ValueError: If an axis to share is not one of the input's, or the size of one that is not shared is free.

    Shape:
        The input's; `alpha` has it without the batch, with 1 for shared axes.

    Source:
        He et al., "Delving Deep into Rectifiers", 2015, arXiv:1502.01852.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.PReLU(alpha_initializer=cornu.initializers.Constant(0.25))
        >>> layer(cornu.ops.array([[-2.0, 3.0]])).numpy().tolist()
        [[-0.5, 3.0]]
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        resolve(
            self,
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
        )
        axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        self.shared_axes = None if axes is None else list(axes)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates `alpha`."""
        rank, shared = len(input_shape), self.shared_axes or []
        if any(not isinstance(axis, int) or not 1 <= axis < rank for axis in shared):
            raise ValueError(
                f"PReLU layer '{self.name}': `shared_axes` must be axes from 1 to {rank - 1} of the input shape "
                f"{tuple(input_shape)}, got {shared}."
            )
        sizes = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in shared}
        free = [axis for axis, size in sizes.items() if size is None]
        if free:
            raise ValueError(
                f"PReLU layer '{self.name}': axes {free} of the input shape {tuple(input_shape)} are free; fix them, "
                "or share the slope along them with `shared_axes`."
            )
        self.alpha = weight(self, "alpha", tuple(sizes.get(axis, 1) for axis in range(1, rank)))
        self.input_spec = InputSpec(ndim=rank, axes=sizes)

    def call(self, inputs: Any) -> Any:
        return ops.relu(inputs) - self.alpha * ops.relu(ops.negative(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **described(self, *of_weights("alpha"), "shared_axes")}
