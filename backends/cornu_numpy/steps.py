"""Steps: what a plan calls, one after the other, with the frame that holds all arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cornu_numpy.memory import Storage

Frame = list[Any]
Step = Callable[[Frame], None]


def planned(run: Callable[..., Any], inputs: Sequence[int], output: int) -> Step:
    """Writes to an array that the frame holds already."""
    if len(inputs) == 1:
        (a,) = inputs

        def one(frame: Frame) -> None:
            run(frame[a], frame[output])

        return one
    if len(inputs) == 2:
        x, y = inputs

        def two(frame: Frame) -> None:
            run(frame[x], frame[y], frame[output])

        return two
    slots = (*inputs, output)

    def many(frame: Frame) -> None:
        run(*[frame[slot] for slot in slots])

    return many


def fresh(
    run: Callable[..., Any],
    inputs: Sequence[int],
    output: int,
    storage: Storage,
    reused: tuple[int, int | None] | None,
    donations: int,
) -> Step:
    """Writes to memory that leaves the plan: new, or that of an operand which is not needed any more.

    Args:
        run: The kernel.
        inputs: The slots that it reads.
        output: The slot of the result.
        storage: The result's shape and dtype.
        reused: The slot of the operand whose memory it may take, and the input's position if that must be donated.
        donations: The slot of the donated positions.
    """
    shape, dtype = storage.shape, storage.dtype
    slots = tuple(inputs)

    def allocating(frame: Frame) -> None:
        out = frame[output]  # what the caller wants it in
        if out is None:
            out = np.empty(shape, dtype)
        run(*[frame[slot] for slot in slots], out)
        frame[output] = out

    if reused is None:
        return allocating
    victim, position = reused

    def reusing(frame: Frame) -> None:
        out = frame[output]
        if out is None:
            out = frame[victim] if position is None or position in frame[donations] else np.empty(shape, dtype)
        run(*[frame[slot] for slot in slots], out)
        frame[output] = out

    return reusing


def returning(
    kernel: Callable[..., Any], attributes: Mapping[str, Any], inputs: Sequence[int], outputs: Sequence[int]
) -> Step:
    """Calls a kernel that makes its own results, and sees to it that they share memory with nothing."""

    def run(frame: Frame) -> None:
        arrays = [frame[slot] for slot in inputs]
        results = kernel(*arrays, **attributes)
        results = list(results) if isinstance(results, (tuple, list)) else [results]
        for i, (slot, result) in enumerate(zip(outputs, results, strict=True)):
            array = np.asarray(result, order="C")
            if any(np.may_share_memory(array, other) for other in (*arrays, *results[:i])):
                array = array.copy()
            frame[slot] = results[i] = array

    return run


def view(make: Callable[[np.ndarray], Any], source: int, outputs: Sequence[int]) -> Step:
    """Makes views of an array that comes from outside the plan's buffers."""
    if len(outputs) == 1:
        (output,) = outputs

        def one(frame: Frame) -> None:
            made = make(frame[source])
            frame[output] = made[0] if isinstance(made, list) else made

        return one

    def several(frame: Frame) -> None:
        for output, array in zip(outputs, make(frame[source]), strict=True):
            frame[output] = array

    return several


def dropping(slots: Sequence[int]) -> Step:
    """Lets go of arrays after their last reader."""

    def drop(frame: Frame) -> None:
        for slot in slots:
            frame[slot] = None

    return drop
