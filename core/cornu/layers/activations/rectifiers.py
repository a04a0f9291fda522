"""Rectified linear units."""

from __future__ import annotations

from typing import Any

from cornu import activations
from cornu.layers.layer import Layer


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
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
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
