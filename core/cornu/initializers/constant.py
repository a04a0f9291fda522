"""Initializers without chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.initializers.initializer import Initializer


class Zeros(Initializer):
    """All elements 0.

    Example:
        >>> Zeros()((2,)).numpy()
        array([0., 0.], dtype=float32)
    """

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All elements 1.

    Example:
        >>> Ones()((2,)).numpy()
        array([1., 1.], dtype=float32)
    """

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.ones(shape, dtype)


class Constant(Initializer):
    """All elements `value`.

    Args:
        value: A number, or an array that broadcasts to the shape.

    Example:
        >>> Constant(2.5)((2,)).numpy()
        array([2.5, 2.5], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.array(np.broadcast_to(np.asarray(self.value).astype(dtype), shape))

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constant:
        from cornu.saving import deserialize_keras_object

        return cls(deserialize_keras_object(config["value"]))


class Identity(Initializer):
    """`gain · I`: the identity matrix, cut or padded with zeros where it is not square.

    Args:
        gain: The factor.

    Raises:
        ValueError: When called with a shape that is not two-dimensional.

    Example:
        >>> Identity(2.0)((2, 2)).numpy()
        array([[2., 0.],
               [0., 2.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: expected a shape of rank 2, got {shape} of rank {len(shape)}.")
        return np.asarray(self.gain * np.eye(*shape)).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}
