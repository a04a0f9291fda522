"""Plans: a program for fixed sizes, with its memory laid out beforehand.

Every value lies in a storage that it shares with its views. Intermediate values are put in a few planned buffers;
a buffer is used again as soon as the last reader of its value has run, often in place. A frame holds real buffers and
all arrays in them, so that running is calling one function per node. A plan keeps one frame between calls; concurrent
calls make their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from cornu.backend.contract import BackendError, NodeEvent
from cornu.ir.program import Program

from cornu_numpy.layout import Layout, Returned
from cornu_numpy.memory import allocate, in_buffer
from cornu_numpy.timing import timed

Frame = list[Any]
Step = Callable[[Frame], None]

_NOTHING: frozenset[int] = frozenset()


class Plan:
    """The steps of a program with every size known.

    Args:
        program: The program.
        sizes: The value of each symbol.
        events: Where the cost of each step is noted; None where nobody asks.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int], events: list[NodeEvent] | None = None) -> None:
        self.program = program
        layout = Layout(program, sizes, Plan)
        self._layout = layout
        self._steps = layout.steps
        self._nodes = layout.step_nodes
        if events is not None:
            self._time_steps(sizes, events)
        self._returned: list[Returned] = layout.returned
        self._clear = layout.clear
        self._inputs = len(program.inputs)
        self._no_inputs = [None] * (self._inputs + 1)
        self._frames: list[Frame] = []

    def run(
        self,
        inputs: Sequence[np.ndarray],
        donate: frozenset[int] = _NOTHING,
        into: Sequence[np.ndarray | None] | None = None,
    ) -> list[np.ndarray]:
        """Runs the steps.

        Args:
            inputs: One array per input.
            donate: Positions of inputs whose memory may be used for outputs.
            into: Contiguous arrays that outputs are written to; None for those in memory of their own.

        Raises:
            BackendError: If a node fails, or if there is no memory to begin.
        """
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = self._new_frame()
        for i, array in enumerate(inputs):
            frame[i] = array if array.flags.c_contiguous else np.asarray(array, order="C")
        frame[self._inputs] = _usable(inputs, donate) if donate else _NOTHING
        if into is not None:
            for (_, _, fresh), target in zip(self._returned, into, strict=True):
                if fresh is not None:
                    frame[fresh] = target
        step = None
        try:
            with np.errstate(all="ignore"):
                for step in self._steps:
                    step(frame)
            if into is None:
                return [np.array(frame[slot]) if copied else frame[slot] for slot, copied, _ in self._returned]
            return [_delivered(frame, *place) for place in zip(self._returned, into, strict=True)]
        except BackendError as error:  # from a sub-program: it knows better where
            error.spent = self._spent(step, frame[self._inputs])
            raise
        except Exception as error:
            node = self._nodes.get(step)
            name, layer = (node.op, node.scope) if node else ("", "")
            spent = self._spent(step, frame[self._inputs])
            raise BackendError(f"{type(error).__name__}: {error}", name, layer, spent) from error
        finally:
            frame[: self._inputs + 1] = self._no_inputs
            for slot in self._clear:
                frame[slot] = None
            if not self._frames:
                self._frames.append(frame)

    def _spent(self, last: Step | None, donated: frozenset[int]) -> frozenset[int]:
        """The donated inputs that have been written to when a step fails."""
        begun = 0 if last is None else self._steps.index(last) + 1
        return donated.intersection(position for i, position in self._layout.reused_inputs if i < begun)

    def _time_steps(self, sizes: Mapping[str, int], events: list[NodeEvent]) -> None:
        silent = self._layout.silent
        steps = [
            (step if step in silent else timed(step, self._nodes[step], sizes, events), self._nodes[step])
            for step in self._steps
        ]
        self._steps, self._nodes = [step for step, _ in steps], dict(steps)

    def _new_frame(self) -> Frame:
        layout = self._layout
        frame: Frame = [None] * layout.slots
        try:
            buffers = allocate(layout.buffers.sizes)
        except MemoryError as error:
            raise BackendError(f"MemoryError: {error}", spent=_NOTHING) from error
        for slot, array in layout.constants:
            frame[slot] = array
        for slot, buffer, shape, dtype in layout.placed:
            frame[slot] = in_buffer(buffers[buffer], shape, dtype)
        for slots, view, parent in layout.views:
            made = view(frame[parent])
            for slot, array in zip(slots, made if isinstance(made, (list, tuple)) else (made,), strict=True):
                frame[slot] = array
        return frame


def _delivered(frame: Frame, returned: Returned, target: np.ndarray | None) -> np.ndarray:
    """An output in the array that it was wanted in."""
    array: np.ndarray = frame[returned.slot]
    if target is None:
        return np.array(array) if returned.copied else array
    if array is not target:
        np.copyto(target, array)
    return target


def _usable(inputs: Sequence[np.ndarray], donate: frozenset[int]) -> frozenset[int]:
    """The donated inputs that can really be written to: not read-only, and given once."""
    if len({id(array) for array in inputs}) < len(inputs):
        return _NOTHING
    return frozenset(i for i in donate if inputs[i].flags.writeable and inputs[i].flags.c_contiguous)
