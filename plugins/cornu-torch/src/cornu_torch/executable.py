"""Executables: a program, and a plan for each set of sizes that it has met."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any, TypeAlias

import torch
from cornu.ir.program import Program

import cornu_torch.kernels  # noqa: F401 - registers them
from cornu_torch.dtypes import constant
from cornu_torch.layout import Layout, make_constants
from cornu_torch.lowering import lower
from cornu_torch.plan import Plan

PLANS = 16
"""How many plans an executable keeps, one for each combination of input shapes and donated inputs."""

NONE: frozenset[int] = frozenset()
Key: TypeAlias = Any


class TorchExecutable:
    """A compiled program: call it with one tensor per input.

    Args:
        program: A program of nodes that run natively.
        device: Where it runs.
    """

    def __init__(self, program: Program, device: torch.device) -> None:
        self._program = program = lower(program, device.type == "cpu")
        self._device = device
        with torch.inference_mode():
            self._constants = make_constants(program, lambda array: constant(array, device))
        self._plans: OrderedDict[Key, Plan] = OrderedDict()
        self._lock = Lock()

    def __call__(self, inputs: Sequence[torch.Tensor], donate: frozenset[int] = NONE) -> list[torch.Tensor]:
        """Runs the program.

        Args:
            inputs: One buffer for each input.
            donate: Positions of inputs that may be overwritten or become outputs.

        Returns:
            One buffer for each output, in memory of its own.

        Raises:
            ValueError: If the buffers do not fit the program's inputs.
            BackendError: If a node fails; the error names the node and its layer.
        """
        shapes = tuple([tensor.shape for tensor in inputs])
        if donate and len({tensor.data_ptr() for tensor in inputs}) < len(inputs):
            donate = NONE  # one buffer is given twice
        plan = self._plans.get((shapes, donate))
        with torch.inference_mode():
            if plan is None:
                plan = self._make_plan(shapes, donate)
            return plan.run(inputs)

    def synchronize(self) -> None:
        """Returns when the device has done all that was started; on the CPU that is at once."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def close(self) -> None:
        """Frees plans and constants."""
        with self._lock:
            self._plans.clear()
            self._constants = {}

    def _make_plan(self, shapes: tuple[torch.Size, ...], donate: frozenset[int]) -> Plan:
        sizes = self._program.check_inputs(shapes)
        plan = Layout(self._program, sizes, self._device, self._constants, donate).plan()
        with self._lock:
            self._plans[shapes, donate] = plan
            while len(self._plans) > PLANS:
                self._plans.popitem(last=False)
        return plan
