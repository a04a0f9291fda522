"""Data sets of batches, and splitting arrays in two."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np

from cornu import tree
from cornu.random.global_seed import next_seed


class PyDataset:
    """Base of data sets that make their batches by number: a subclass overrides `__getitem__` and `__len__`.

    Args:
        workers: How many batches are made at a time, ahead of their use; 1 makes each when it is needed.
        use_multiprocessing: Whether in processes rather than threads; the data set must then be picklable.
        max_queue_size: How many batches are kept ready.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return np.array([index**2])
        >>> [batch.tolist() for batch in Squares()]
        [[0], [1]]
    """

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch of a number: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            TypeError: If a subclass does not override it.
        """
        raise TypeError(f"{type(self).__name__} must override `__getitem__(index)`.")

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has; None where it has no end."""
        return len(self) if hasattr(self, "__len__") else None

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch: the place to shuffle."""

    def __iter__(self) -> Iterator[Any]:
        self.on_epoch_begin()
        count = self.num_batches
        yield from self._batches(itertools.count() if count is None else range(count))
        self.on_epoch_end()

    def _batches(self, indices: Iterable[int]) -> Iterator[Any]:
        """The batches of these numbers, in order, made ahead by workers if there are several."""
        if self.workers > 1 or (self.workers > 0 and self.use_multiprocessing):
            pool, make = self._pool()
            with pool:
                yield from _ahead(pool, make, indices, self.max_queue_size)
        else:
            for index in indices:
                yield self[index]

    def _pool(self) -> tuple[Executor, Callable[[int], Any]]:
        """Workers, and the function that makes a batch in one; a process is given the data set once."""
        if self.use_multiprocessing:
            return ProcessPoolExecutor(self.workers, initializer=_Worker.start, initargs=(self,)), _Worker.make
        return ThreadPoolExecutor(self.workers), self.__getitem__


Sequence = PyDataset


class _Worker:
    """What a worker process holds."""

    dataset: Any = None

    @classmethod
    def start(cls, dataset: PyDataset) -> None:
        cls.dataset = dataset

    @classmethod
    def make(cls, index: int) -> Any:
        return cls.dataset[index]


def _ahead(pool: Executor, make: Callable[[int], Any], indices: Iterable[int], size: int) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    numbers = iter(indices)
    try:
        for index in itertools.islice(numbers, max(1, size)):
            waiting.append(pool.submit(make, index))
        while waiting:
            batch = waiting.popleft().result()
            for index in itertools.islice(numbers, 1):
                waiting.append(pool.submit(make, index))
            yield batch
    finally:
        for future in waiting:
            future.cancel()


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Splits arrays in two along their first axis.

    Args:
        dataset: An array, or a structure of arrays with the same number of samples.
        left_size: The part (a float in [0, 1]) or number (an integer) of samples on the left; the rest if missing.
        right_size: The same for the right.
        shuffle: Whether samples are shuffled first.
        seed: The shuffle's seed; drawn from the global one if missing.
        preferred_backend: Must be None: arrays stay arrays.

    Returns:
        Two structures like `dataset`.

    Raises:
        ValueError: If the sizes are missing or do not fit, or the arrays have different numbers of samples.

    Example:
        >>> left, right = split_dataset(np.arange(4), left_size=0.75)
        >>> left.tolist(), right.tolist()
        ([0, 1, 2], [3])
    """
    if preferred_backend is not None:
        raise ValueError(f"split_dataset: `preferred_backend` must be None, got {preferred_backend!r}.")
    arrays = tree.map_structure(np.asarray, dataset)
    lengths = {len(array) for array in tree.flatten(arrays)}
    if len(lengths) != 1:
        raise ValueError(f"split_dataset: all arrays must have the same number of samples, got {sorted(lengths)}.")
    total = lengths.pop()
    left, right = _sizes(left_size, right_size, total)
    order = np.arange(total)
    if shuffle:
        order = np.random.default_rng(next_seed() if seed is None else seed).permutation(total)
    first, last = order[:left], order[total - right :]
    return tree.map_structure(lambda a: a[first], arrays), tree.map_structure(lambda a: a[last], arrays)


def _sizes(left: float | int | None, right: float | int | None, total: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError("split_dataset: at least one of `left_size` and `right_size` must be given.")
    first, last = _count("left_size", left, total), _count("right_size", right, total)
    if first is None:
        first = total - (last or 0)
    if last is None:
        last = total - first
    if first + last > total or min(first, last) <= 0:
        raise ValueError(
            f"split_dataset: left_size={left} and right_size={right} do not leave samples on both sides of {total}."
        )
    return first, last


def _count(name: str, size: float | int | None, total: int) -> int | None:
    if size is None:
        return None
    if (
        isinstance(size, bool)
        or not isinstance(size, (int, float))
        or size < 0
        or (isinstance(size, float) and size > 1)
    ):
        raise ValueError(f"split_dataset: `{name}` must be a part in [0, 1] or a number of samples, got {size!r}.")
    return round(size * total) if isinstance(size, float) else size
