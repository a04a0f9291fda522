"""Where batches come from: arrays, generators and other iterables, in one form."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, Protocol

import numpy as np
from cornu import tree
from cornu.backend.config import floatx
from cornu.random.global_seed import next_seed
from cornu.tracing.tensor import Tensor
from cornu.training.limits import max_steps_per_epoch
from cornu.utils.datasets import PyDataset
from cornu.utils.failures import shown

Batch = tuple[Any, Any, Any]


class BatchSource(Protocol):
    """Batches `(x, y, sample_weight)`, epoch by epoch."""

    size: int | None

    def epoch(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        ...


def unpack_x_y_sample_weight(data: Any) -> Batch:
    """A batch as `(x, y, sample_weight)`, None for what is missing.

    Raises:
        ValueError: If it is a tuple of another length than 1, 2 or 3.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, found "
            f"{len(data)} parts: {shown(data)}"
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest tuple that holds what is not None; a bare tensor stays bare."""
    if y is None:
        return (x,) if tree.is_nested(x) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def as_array(leaf: Any) -> Any:
    """An array of numbers, float64 in the configured float type.

    Raises:
        ValueError: If it is not numeric.
    """
    if leaf is None:
        return None
    if isinstance(leaf, Tensor):
        return leaf.numpy()  # type: ignore[attr-defined]
    array = np.asarray(leaf)
    if array.dtype == object and hasattr(leaf, "columns"):
        array = _joined_columns(leaf)
    if array.dtype == object or array.dtype.kind in "US":
        raise ValueError(
            f"Unrecognized data type: expected arrays of numbers, got {type(leaf).__name__} of {array.dtype}."
        )
    return array.astype(floatx()) if array.dtype == np.float64 and floatx() != "float64" else array


def _joined_columns(frame: Any) -> np.ndarray:
    """A data frame with columns of several kinds of numbers as one array of floats, if all are numbers."""
    columns = [np.asarray(frame[name]) for name in frame.columns]
    if not all(column.dtype.kind in "biuf" for column in columns):
        return np.asarray(frame)
    return np.stack([column.astype(floatx()) for column in columns], axis=1)


class ArraySource:
    """Batches of whole arrays.

    Args:
        x: Inputs: an array or a structure of them.
        y: Targets, likewise.
        sample_weight: A weight per sample, likewise.
        batch_size: Samples in a batch; the last batch has the rest.
        shuffle: Whether each epoch has another order.
        class_weight: From class index to weight.

    Raises:
        ValueError: If the arrays have different numbers of samples, or none.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int = 32,
        shuffle: bool = False,
        class_weight: dict[int, float] | None = None,
    ) -> None:
        self._data = tuple(tree.map_structure(as_array, part) for part in (x, y, sample_weight))
        if class_weight is not None:
            self._data = with_class_weight(self._data, class_weight)
        self.samples = check_cardinality(self._data)
        if not isinstance(batch_size, (int, np.integer)) or batch_size <= 0:
            raise ValueError(f"`batch_size` must be a positive integer, got {batch_size!r}.")
        self.batch_size = int(batch_size)
        self.size: int | None = math.ceil(self.samples / self.batch_size)
        self._shuffle = shuffle

    def epoch(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        order = np.random.default_rng(next_seed()).permutation(self.samples) if self._shuffle else None
        for start in range(0, self.samples, self.batch_size):
            stop = min(start + self.batch_size, self.samples)
            index: Any = slice(start, stop) if order is None else order[start:stop]
            yield _take(self._data, index)


class IterableSource:
    """Batches of an iterable: a generator, a list of batches, a data loader.

    Args:
        data: Yields `x`, `(x, y)` or `(x, y, sample_weight)`.
        class_weight: From class index to weight.
    """

    def __init__(self, data: Iterable[Any], class_weight: dict[int, float] | None = None) -> None:
        self._data = data
        self._class_weight = class_weight
        try:
            self.size: int | None = len(data)  # type: ignore[arg-type]
        except TypeError:
            self.size = None

    def epoch(self) -> Iterator[Batch]:
        """The batches of one pass; of what is left where the iterable cannot start again."""
        for item in self._data:
            x, y, weight = (tree.map_structure(as_array, part) for part in unpack_x_y_sample_weight(item))
            batch = (x, y, weight)
            check_cardinality(batch)
            yield batch if self._class_weight is None else with_class_weight(batch, self._class_weight)


class IndexedSource:
    """Batches of an object with `__len__` and `__getitem__`, such as a `PyDataset`.

    A `PyDataset` makes them with its workers, and is told when an epoch begins and ends.

    Args:
        data: Gives batch `i` as `data[i]`.
        shuffle: Whether each epoch has another order of batches, where their number is known.
        class_weight: From class index to weight.
    """

    def __init__(self, data: Any, shuffle: bool = False, class_weight: dict[int, float] | None = None) -> None:
        self._data = data
        self._shuffle = shuffle
        self._class_weight = class_weight
        self.size: int | None = data.num_batches if isinstance(data, PyDataset) else len(data)

    def epoch(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        known = isinstance(self._data, PyDataset)
        if known:
            self._data.on_epoch_begin()
            self.size = self._data.num_batches
        batches = self._data._batches(self._order()) if known else (self._data[i] for i in self._order())
        yield from IterableSource(batches, self._class_weight).epoch()
        if hasattr(self._data, "on_epoch_end"):
            self._data.on_epoch_end()

    def _order(self) -> Iterable[int]:
        if self.size is None:
            return count()
        if not self._shuffle:
            return range(self.size)
        return [int(i) for i in np.random.default_rng(next_seed()).permutation(self.size)]


def make_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    class_weight: dict[int, float] | None = None,
) -> BatchSource:
    """The source for what a user passes as data.

    Raises:
        ValueError: If targets or weights come beside an iterable that holds its own, or the data are unusable.
    """
    if x is None:
        raise ValueError("`x` is missing: pass inputs as arrays, or an iterable of batches.")
    if is_array_like(x):
        return ArraySource(x, y, sample_weight, batch_size or 32, shuffle, class_weight)
    for label, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"When providing `x` as {type(x).__name__}, `{label}` should not be passed. "
                f"Instead, `{label}` should be part of what it yields."
            )
    if isinstance(x, PyDataset) or (hasattr(x, "__getitem__") and hasattr(x, "__len__")):
        return IndexedSource(x, shuffle, class_weight)
    if isinstance(x, Iterable):
        return IterableSource(x, class_weight)
    raise ValueError(f"Unrecognized data type: x={x!r} (of type {type(x).__name__}).")


def is_array_like(x: Any) -> bool:
    """Whether every leaf is a whole array (a NumPy array, a tensor, a pandas object, or nested lists of numbers)."""
    leaves = tree.flatten(x)
    if not leaves:
        return isinstance(x, (list, tuple, dict))
    if isinstance(x, (list, tuple)) and all(isinstance(leaf, (int, float, bool)) for leaf in leaves):
        return True
    return all(leaf is None or hasattr(leaf, "__array__") for leaf in leaves)


def check_cardinality(parts: Sequence[Any]) -> int:
    """The number of samples that all arrays share.

    Raises:
        ValueError: If they differ, an array has no axis, or there are no samples.
    """
    sizes: dict[int, None] = {}
    lines = []
    for label, part in zip(("x", "y", "sample_weight"), parts, strict=False):
        leaves = [leaf for leaf in tree.flatten(part) if leaf is not None]
        if any(leaf.ndim == 0 for leaf in leaves):
            raise ValueError(f"'{label}' holds a scalar; every array needs a first axis of samples.")
        sizes.update(dict.fromkeys(leaf.shape[0] for leaf in leaves))
        lines += [f"'{label}' sizes: {', '.join(str(leaf.shape[0]) for leaf in leaves)}"] if leaves else []
    if len(sizes) > 1:
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
            + "; ".join(lines)
        )
    if not sizes or 0 in sizes:
        raise ValueError("The data are empty: there is no sample to work on.")
    return next(iter(sizes))


def with_class_weight(batch: Sequence[Any], class_weight: dict[int, float]) -> Batch:
    """The batch with a sample weight for the class of each target, on top of any weight that it has.

    Raises:
        ValueError: If there is not exactly one target array, or a class has no weight.
    """
    x, y, weight = batch
    if tree.is_nested(y) or y is None:
        raise ValueError("`class_weight` is only supported for models with a single output.")
    classes = np.argmax(y, axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else np.reshape(y, (y.shape[0], -1))[:, 0]
    classes = classes.astype(np.int64)
    table = np.ones(max(int(classes.max(initial=0)), *map(int, class_weight)) + 1, floatx())
    for label, value in class_weight.items():
        table[int(label)] = value
    found = table[classes]
    return x, y, found if weight is None else weight * found


def split_validation(arrays: tuple[Any, Any, Any], fraction: float) -> tuple[Batch, Batch]:
    """The first part of the samples for training and the last for validation.

    Raises:
        ValueError: If the fraction is not within (0, 1), the data are not arrays, or a part would be empty.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, got {fraction}.")
    if not is_array_like(arrays[0]):
        raise ValueError("`validation_split` is only supported for arrays; pass `validation_data` instead.")
    parts = tuple(tree.map_structure(as_array, part) for part in arrays)
    samples = check_cardinality(parts)
    cut = math.floor(samples * (1.0 - fraction))
    if cut in (0, samples):
        raise ValueError(
            f"Training data contains {samples} samples, which is not sufficient to split it into a validation and "
            f"training set as specified by `validation_split={fraction}`."
        )

    return _take(parts, slice(0, cut)), _take(parts, slice(cut, None))


def _take(parts: Sequence[Any], index: Any) -> Batch:
    """The samples that an index chooses, of every array."""
    x, y, weight = (tree.map_structure(lambda leaf: None if leaf is None else leaf[index], part) for part in parts)
    return x, y, weight


class Epochs:
    """Batches in epochs of a fixed or natural number of steps.

    Args:
        source: Where batches come from.
        steps: Steps of an epoch; one pass over the source if missing.
    """

    def __init__(self, source: BatchSource, steps: int | None = None) -> None:
        limit = max_steps_per_epoch()
        if limit is not None:
            steps = min(limit, steps or source.size or limit)
        self._source = source
        self._steps = steps
        self._running: Iterator[Batch] | None = None
        self.size = steps if steps is not None else source.size

    def __iter__(self) -> Iterator[Batch]:
        if self._steps is None:
            yield from self._source.epoch()
            return
        for step in range(self._steps):
            batch = self._next()
            if batch is None:
                warnings.warn(
                    f"Your input ran out of data after {step} of {self._steps} steps; interrupting this epoch. "
                    "Make sure that your data can generate at least `steps_per_epoch * epochs` batches.",
                    stacklevel=2,
                )
                return
            yield batch

    def _next(self) -> Batch | None:
        for _ in range(2):
            if self._running is None:
                self._running = self._source.epoch()
            batch = next(self._running, None)
            if batch is not None:
                return batch
            self._running = None
        return None
