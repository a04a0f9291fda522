"""What layers share that learn something of data before training: the data's batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from cornu.tracing.tensor import Tensor


def batches_of(data: Any, layer: str, steps: int | None = None) -> Iterator[np.ndarray]:
    """The arrays that a layer is adapted to: an array (or tensor, list) itself, or the batches of an iterable.

    Args:
        data: An array-like, a `PyDataset`, or another iterable of arrays.
        layer: What the layer is called, for errors.
        steps: How many batches are taken at most.

    Raises:
        ValueError: If a batch is a tuple or a dictionary: targets have no place here.
    """
    whole = isinstance(data, (np.ndarray, Tensor, list, tuple)) or hasattr(data, "__array__")
    batches: Iterable[Any] = [data] if whole else data
    for number, batch in enumerate(batches):
        if steps is not None and number >= steps:
            return
        if not whole and isinstance(batch, (tuple, dict)):
            raise ValueError(f"{layer}: `adapt` takes inputs alone, got batches of type {type(batch).__name__}.")
        yield np.asarray(batch)
