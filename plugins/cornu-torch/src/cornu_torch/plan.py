"""Plans: a program for fixed sizes as a list of calls of torch's functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from cornu.backend.contract import BackendError
from cornu.ir.program import Node

from cornu_torch.dtypes import carried, uncarried
from cornu_torch.site import Run
from cornu_torch.support import name_of

Tensor = torch.Tensor


@dataclass(frozen=True)
class Step:
    """One call.

    Args:
        function: What is called.
        operands: The slots that it reads.
        results: The slots that it writes: one, or several for a function that returns a sequence.
        dead: The slots that nobody reads afterwards.
        node: What it was made of.
    """

    function: Run
    operands: tuple[int, ...]
    results: int | tuple[int, ...]
    dead: tuple[int, ...]
    node: Node


@dataclass(frozen=True)
class Output:
    """Where an output lies, and what has to be done to give it away.

    Args:
        slot: Its slot.
        copied: Whether its memory is an input's, a constant's or another output's.
        loose: Whether the caller copies it, so that nothing has to be done.
        whole: Whether it is known to have a memory of its own size.
        carried: Whether it is an unsigned integer in a signed one's memory.
    """

    slot: int
    copied: bool
    loose: bool
    whole: bool
    carried: bool


class Plan:
    """A program for fixed sizes. It keeps nothing between calls.

    Args:
        inputs: How many inputs there are: they get the first slots.
        carried_inputs: Which of them are unsigned integers to be read as signed ones.
        frame: What every call begins with: constants in their slots.
        steps: The calls in order.
        outputs: The outputs.
        spent: Steps by their numbers, and the donated inputs that they write over.
        scope: The scope of the node that holds the program, if it is a body.
    """

    def __init__(
        self,
        inputs: int,
        carried_inputs: Sequence[int],
        frame: Sequence[Tensor | None],
        steps: Sequence[Step],
        outputs: Sequence[Output],
        spent: Sequence[tuple[int, int]],
        scope: str,
    ) -> None:
        self._inputs = inputs
        self._carried = tuple(carried_inputs)
        self._frame = list(frame[inputs:])
        self._steps = [(step.function, step.operands, step.results, step.dead, step.node) for step in steps]
        self._outputs = tuple(outputs)
        self._spent = tuple(spent)
        self._scope = scope

    def run(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Runs the program on buffers, and gives buffers.

        Raises:
            BackendError: If a node fails.
        """
        frame: list[Any] = [*inputs, *self._frame]
        for slot in self._carried:
            frame[slot] = carried(frame[slot])
        self._advance(frame)
        return [uncarried(_own(frame, out)) if out.carried else _own(frame, out) for out in self._outputs]

    def run_inside(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The same for a sub-program: on tensors as kernels take them."""
        frame: list[Any] = [*inputs, *self._frame]
        self._advance(frame)
        return [_own(frame, out) for out in self._outputs]

    def _advance(self, frame: list[Any]) -> None:
        node: Node | None = None
        try:
            for function, operands, results, dead, node in self._steps:  # noqa: B007
                value = function(*[frame[slot] for slot in operands])
                if results.__class__ is int:
                    frame[results] = value
                else:
                    for slot, item in zip(results, value, strict=True):  # type: ignore[arg-type]
                        frame[slot] = item
                for slot in dead:
                    frame[slot] = None
        except BackendError as error:  # from a sub-program: it knows better where
            error.spent = self._spent_until(node)
            raise
        except Exception as error:
            assert node is not None
            message = f"{type(error).__name__}: {error}"
            scope = inner_scope(self._scope, node)
            raise BackendError(message, name_of(node), scope, self._spent_until(node)) from error

    def _spent_until(self, failed: Node | None) -> frozenset[int]:
        """The donated inputs that have been written over when a step fails."""
        last = next(i for i, (*_, node) in enumerate(self._steps) if node is failed)
        return frozenset(position for i, position in self._spent if i <= last)


def inner_scope(scope: str, node: Node) -> str:
    """A node's scope, in that of the node that holds its program."""
    return "/".join(filter(None, (scope, node.scope)))


def _own(frame: list[Any], output: Output) -> Tensor:
    """An output in memory of its own, and of no more than its size."""
    tensor: Tensor = frame[output.slot]
    if output.loose:
        return tensor
    if output.copied:
        return tensor.clone(memory_format=torch.contiguous_format)
    if not tensor.is_contiguous():
        return tensor.contiguous()
    if output.whole or tensor.untyped_storage().nbytes() == tensor.nbytes:
        return tensor
    return tensor.clone()
