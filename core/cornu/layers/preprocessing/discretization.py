"""Numbers as the bins that they fall into."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import ops
from cornu.layers.layer import Layer
from cornu.layers.preprocessing.adapting import batches_of
from cornu.layers.preprocessing.encoding import encoded


class Discretization(Layer):
    """The number of the bin that each number falls into: how many boundaries it is not below.

    Args:
        bin_boundaries: The boundaries, ascending; missing if `adapt` is to find them.
        num_bins: How many bins `adapt` makes, each with about as many numbers.
        epsilon: How exact it is: quantiles are found up to this part of the data.
        output_mode: "int", or "one_hot", "multi_hot" or "count" for vectors; see `CategoryEncoding`.
        sparse: Must be False: there are no sparse tensors here.
        dtype: The dtype of vectors; bins' numbers are int32.
        name: A name.

    Raises:
        ValueError: If not exactly one of `bin_boundaries` and `num_bins` is given, or a setting does not fit.

    Example:
        >>> import cornu
        >>> cornu.layers.Discretization([0.0, 1.0, 2.0])([-1.0, 0.0, 0.5, 9.0]).numpy()
        array([0, 1, 1, 3], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        allowed = ("int", "one_hot", "multi_hot", "count")
        if output_mode not in allowed:
            raise ValueError(f"Discretization: `output_mode` must be one of {allowed}, got {output_mode!r}.")
        if sparse:
            raise ValueError("Discretization: `sparse=True` is not supported; there are no sparse tensors.")
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                "Discretization: set either `num_bins` or `bin_boundaries`, got "
                f"num_bins={num_bins} and bin_boundaries={bin_boundaries}."
            )
        if num_bins is not None and num_bins < 1:
            raise ValueError(f"Discretization: `num_bins` must be at least 1, got {num_bins}.")
        self.input_bin_boundaries = None if bin_boundaries is None else [float(x) for x in bin_boundaries]
        if self.input_bin_boundaries != sorted(self.input_bin_boundaries or []) and bin_boundaries is not None:
            raise ValueError(f"Discretization: `bin_boundaries` must ascend, got {bin_boundaries}.")
        self.bin_boundaries = self.input_bin_boundaries
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = sparse
        self._summary = np.zeros((2, 0))

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds boundaries between bins of about as many numbers each; what was found before is forgotten.

        Args:
            data: An array, or an iterable of batches such as a `PyDataset`.
            steps: How many batches are taken at most.

        Raises:
            ValueError: If the boundaries were given.
        """
        self.reset_state()
        for batch in batches_of(data, f"Discretization layer '{self.name}'", steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Takes note of a batch of numbers.

        Raises:
            ValueError: If the boundaries were given.
        """
        if self.input_bin_boundaries is not None:
            raise ValueError(f"Discretization layer '{self.name}': cannot `adapt` a layer with given boundaries.")
        self._summary = _joined(self._summary, _summary(np.asarray(data), self.epsilon), self.epsilon)

    def finalize_state(self) -> None:
        """Makes boundaries of the batches noted since `reset_state`."""
        if self.input_bin_boundaries is None and self._summary.shape[1]:
            assert self.num_bins is not None
            self.bin_boundaries = _compressed(self._summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forgets what was noted."""
        if self.input_bin_boundaries is None:
            self._summary = np.zeros((2, 0))

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(
                f"Discretization layer '{self.name}': pass `bin_boundaries`, or call `adapt(data)` before the layer."
            )
        numbers = ops.digitize(ops.convert_to_tensor(inputs), np.asarray(self.bin_boundaries, np.float32))
        if self.output_mode == "int":
            return ops.cast(numbers, "int32")
        return encoded(numbers, len(self.bin_boundaries) + 1, self.output_mode, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("bin_boundaries", "num_bins", "epsilon", "output_mode", "sparse", "name", "dtype")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a layer of `get_config`'s result; boundaries that were learned are kept beside `num_bins`."""
        given = dict(config)
        learned = given.get("bin_boundaries") if given.get("num_bins") is not None else None
        if learned is not None:
            given["bin_boundaries"] = None
        layer = cls(**given)
        layer.bin_boundaries = layer.bin_boundaries if learned is None else list(learned)
        return layer


def _summary(numbers: np.ndarray, epsilon: float) -> np.ndarray:
    """Values, ascending, and how many numbers each stands for: [2, about 1 / epsilon at most]."""
    ordered = np.sort(numbers.ravel().astype(np.float64))
    step = max(int(ordered.size * epsilon), 1)
    values = ordered[step - 1 :: step]
    return np.stack([values, np.full(values.shape, float(step))])


def _joined(left: np.ndarray, right: np.ndarray, epsilon: float) -> np.ndarray:
    """The summary of two summaries' numbers."""
    both = np.concatenate([left, right], axis=1)
    both = both[:, np.argsort(both[0], kind="stable")]
    return _compressed(both, epsilon) if both.shape[1] * epsilon >= 1 else both


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary with the values below which there are `epsilon`, `2 epsilon`, ... of the numbers."""
    totals = summary[1].cumsum()
    parts = np.arange(1, round(1 / epsilon) + 1) * epsilon
    values, places = (np.interp(parts, totals / totals[-1], x) for x in (summary[0], totals))
    return np.stack([values, np.diff(places, prepend=0.0)])
