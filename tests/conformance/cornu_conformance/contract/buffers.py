"""Buffers: numbers go there and back bit by bit, and nobody shares memory with the caller."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from cornu.ir.types import DTYPES, is_float, numpy_dtype

from cornu_conformance.check import require
from cornu_conformance.contract.programs import Rules, ramp
from cornu_conformance.subject import Subject, same_bits

SHAPES = {"scalar": (), "vector": (5,), "rank_four": (2, 3, 1, 4), "empty": (0,), "empty_inside": (3, 0, 2)}
_EDGES = [0.0, -0.0, 1.0, -2.5, 3e-5, 6e-8, 1e-40, 5e-324, float("inf"), float("-inf"), float("nan")]


def rules() -> Rules:
    """The rules by name."""
    for dtype in DTYPES:
        yield f"round_trip/{dtype}", partial(round_trip, dtype)
        yield f"not_contiguous/{dtype}", partial(not_contiguous, dtype)
    yield "from_numpy_copies", from_numpy_copies
    yield "from_numpy_reads_only", from_numpy_reads_only
    yield "to_numpy_is_new", to_numpy_is_new


def sample(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Numbers of a dtype, its extremes and special values among them."""
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    kind = numpy_dtype(dtype)
    if is_float(dtype):
        with np.errstate(all="ignore"):
            numbers = np.asarray([*_EDGES, *random.normal(size=count)][-max(count, 1) :] if count < 11 else _EDGES)
            return _with_payload(np.resize(numbers, shape).astype(kind))
    extremes = np.iinfo(kind)
    return np.resize(np.array([extremes.min, extremes.max, 0, 1, extremes.max - 1], kind), shape)


def _with_payload(array: np.ndarray) -> np.ndarray:
    """The array with another NaN in the place of each: their lowest bit is set, which arithmetic would lose."""
    bits = array.view(f"uint{8 * array.dtype.itemsize}")
    bits[np.isnan(array)] |= 1
    return array


def round_trip(dtype: str, subject: Subject) -> None:
    """Numbers there and back are the same bit by bit, in every shape."""
    for what, shape in SHAPES.items():
        array = sample(dtype, shape)
        (back,) = subject.arrays(subject.buffers([array]))
        told: dict[str, Any] = {"expected": [array], "actual": [np.asarray(back)]}
        require(isinstance(back, np.ndarray), f"{what}: to_numpy returns {type(back).__name__}, not an array")
        require(back.dtype == array.dtype, f"{what}: dtype {back.dtype} came back for {array.dtype}", **told)
        require(back.shape == array.shape, f"{what}: shape {back.shape} came back for {array.shape}", **told)
        require(same_bits(back, array), f"{what}: other bits came back", **told)


def not_contiguous(dtype: str, subject: Subject) -> None:
    """Arrays may lie in memory in any order, backwards and with gaps."""
    array = sample(dtype, (4, 6))
    views = {"transposed": array.T, "reversed": array[::-1, ::-1], "with gaps": array[::2, 1::3], "column": array[:, 2]}
    for what, view in views.items():
        (back,) = subject.arrays(subject.buffers([view]))
        told: dict[str, Any] = {"expected": [view], "actual": [back]}
        require(same_bits(back, view), f"a {what} view came back with other numbers", **told)


def from_numpy_copies(subject: Subject) -> None:
    """The caller may change the array afterwards."""
    for shape in ((3,), (), (64, 64)):
        array = np.full(shape, 1.0, np.float32)
        buffers = subject.buffers([array])
        array[...] = 2.0
        (back,) = subject.arrays(buffers)
        require((back == 1.0).all(), f"from_numpy keeps the caller's array of shape {shape}: it changed with it")


def from_numpy_reads_only(subject: Subject) -> None:
    """A read-only array will do."""
    array = ramp(4)
    array.flags.writeable = False
    (back,) = subject.arrays(subject.buffers([array]))
    require(same_bits(back, array), "a read-only array came back with other numbers", expected=[array], actual=[back])


def to_numpy_is_new(subject: Subject) -> None:
    """The caller owns what it gets: it can write to it, and the buffer stays as it is."""
    for shape in ((3,), (), (64, 64)):
        (buffer,) = subject.buffers([np.full(shape, 1.0, np.float32)])
        first = subject.backend.to_numpy(buffer)
        require(first.flags.writeable, "to_numpy returns an array that cannot be written to")
        first[...] = 7.0
        second = subject.backend.to_numpy(buffer)
        require((second == 1.0).all(), "writing to what to_numpy returned has changed the buffer")
