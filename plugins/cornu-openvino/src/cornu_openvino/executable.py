"""A compiled program: its parts, for each of the sizes that came."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np
from cornu.backend.contract import BackendError
from cornu.ir.interpret import BoundBody
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value

from cornu_openvino.buffers import Buffer
from cornu_openvino.loops import ScanStep, scan_step
from cornu_openvino.model import Model
from cornu_openvino.parts import Part, cut
from cornu_openvino.runtime import Runtime
from cornu_openvino.sizes import by_depth, with_sizes
from cornu_openvino.support import Place

_SIZES = 16
"""For how many different sizes the parts are kept."""

MakeModel = Callable[[Part, Mapping[Value, np.ndarray]], Model]


class OpenVinoExecutable:
    """A program, compiled for each set of sizes when it first comes. It keeps no state; threads may call it at once.

    Args:
        runtime: What executables share.
        program: The program.
        make_model: Compiles a part.
        known: Sizes of the symbols of the program around it, if it is a body.
    """

    def __init__(
        self, runtime: Runtime, program: Program, make_model: MakeModel, known: Mapping[str, int] | None = None
    ) -> None:
        self._runtime = runtime
        self._program = by_depth(program)
        self._make_model = make_model
        self._known = known
        self._plans: OrderedDict[tuple[tuple[int, ...], ...], Plan] = OrderedDict()
        self._lock = Lock()
        self._closed = False

    def __call__(self, inputs: Sequence[Buffer], donate: frozenset[int] = frozenset()) -> list[Buffer]:
        """Runs the program.

        Donated buffers are never written to: an output that is an input is that input's buffer.

        Args:
            inputs: One buffer per input of the program.
            donate: Permission that is not needed here.

        Raises:
            BackendError: If OpenVINO fails, or the executable is closed.
            ValueError: If the inputs do not fit the program.
        """
        if self._closed:
            raise BackendError(f"The executable of {self._program.name} is closed.")
        try:
            return self._plan(tuple([buffer.array.shape for buffer in inputs])).run(inputs)
        except BackendError as error:
            error.spent = frozenset()
            raise

    def run_body(self, body: Program, arrays: Sequence[np.ndarray], sizes: Mapping[str, int]) -> list[np.ndarray]:
        """The same from arrays to arrays, as the kernels of loops and branches call it with what it was made of."""
        return [buffer.array for buffer in self([Buffer(np.asarray(array)) for array in arrays])]

    def synchronize(self) -> None:
        """Returns at once: a call ends when its work has ended."""

    def close(self) -> None:
        """Frees the compiled models."""
        self._closed = True
        with self._lock:
            self._plans.clear()

    def _plan(self, shapes: tuple[tuple[int, ...], ...]) -> Plan:
        with self._lock:
            plan = self._plans.get(shapes)
            if plan is None:
                sizes = self._program.bind(shapes, self._known) if self._known else self._program.check_inputs(shapes)
                plan = self._plans[shapes] = Plan(self._runtime, self._program, sizes, self._make_model)
                if len(self._plans) > _SIZES:
                    self._plans.popitem(last=False)
            else:
                self._plans.move_to_end(shapes)
            return plan


class Plan:
    """A program of fixed sizes as parts in the order in which they run.

    Args:
        runtime: What executables share.
        program: The program.
        sizes: A number for each of its symbols.
        make_model: Compiles a part.
    """

    def __init__(self, runtime: Runtime, program: Program, sizes: Mapping[str, int], make_model: MakeModel) -> None:
        self._runtime = runtime
        sized = with_sizes(program, sizes)
        self._inputs, self._outputs = sized.inputs, sized.outputs
        parts = cut(sized)
        on_host = {value for part in parts if part.place is Place.HOST for value in part.inputs}
        kept = on_host.union(self._outputs)
        self._constants = {value: Buffer(array) for value, array in sized.constants.items() if value in kept}
        self._steps = [self._step(part, sized.constants, sizes, make_model) for part in parts]
        self._dying = _last_uses([step.inputs for step in self._steps], set(self._outputs))

    def _step(
        self, part: Part, constants: Mapping[Value, np.ndarray], sizes: Mapping[str, int], make_model: MakeModel
    ) -> OpenVinoStep | ScanStep | HostStep:
        if part.place is Place.OPENVINO:
            return OpenVinoStep(make_model(part, constants))
        (node,) = part.nodes
        return scan_step(node, make_model) or HostStep(node, self._bound_bodies(node, sizes, make_model))

    def _bound_bodies(self, node: Node, sizes: Mapping[str, int], make_model: MakeModel) -> dict[str, BoundBody]:
        bodies = {}
        for name, body in node.bodies.items():
            executable = OpenVinoExecutable(self._runtime, body, make_model, sizes)
            bodies[name] = BoundBody(body, sizes, executable.run_body)
        return bodies

    def run(self, inputs: Sequence[Buffer]) -> list[Buffer]:
        """Runs the parts and returns the program's outputs."""
        values = dict(self._constants)
        values.update(zip(self._inputs, inputs, strict=True))
        for step, dying in zip(self._steps, self._dying, strict=True):
            results = step.run(self._runtime, [values[value] for value in step.inputs])
            values.update(zip(step.outputs, results, strict=True))
            for value in dying:
                del values[value]
        given = set(self._constants)
        outputs: list[Buffer] = []
        for value in self._outputs:
            # No two outputs share memory, and none lies in a constant of the program.
            outputs.append(Buffer(values[value].array.copy()) if value in given else values[value])
            given.add(value)
        return outputs


class OpenVinoStep:
    """A part that OpenVINO runs.

    Args:
        model: The compiled part.
    """

    def __init__(self, model: Model) -> None:
        self.inputs, self.outputs = model.inputs, model.outputs
        self._model = model

    def run(self, runtime: Runtime, buffers: Sequence[Buffer]) -> list[Buffer]:
        """Runs it on the values of its inputs."""
        return [Buffer(array) for array in self._model([buffer.tensor(runtime.module) for buffer in buffers])]


class HostStep:
    """A node that the reference kernel computes.

    Args:
        node: The node.
        bodies: Its bodies, ready to run.
    """

    def __init__(self, node: Node, bodies: Mapping[str, BoundBody]) -> None:
        self.inputs, self.outputs = node.inputs, node.outputs
        self._node = node
        self._kernel = lookup(node.op).kernel
        self._attributes = {**node.attributes, **bodies}

    def run(self, runtime: Runtime, buffers: Sequence[Buffer]) -> list[Buffer]:
        """Computes it from the values of its inputs; the results have memory of their own.

        Raises:
            BackendError: If the kernel fails.
        """
        arrays = [buffer.array for buffer in buffers]
        try:
            with np.errstate(all="ignore"):
                results = self._kernel(*arrays, **self._attributes)
        except BackendError:
            raise  # from a body: it knows better where
        except Exception as error:
            raise BackendError(f"{type(error).__name__}: {error}", self._node.op, self._node.scope) from error
        return [Buffer(_own(x, arrays)) for x in (results if isinstance(results, list | tuple) else [results])]


def _own(result: Any, arrays: Sequence[np.ndarray]) -> np.ndarray:
    array = np.asarray(result)
    borrowed = array.base is not None or not array.flags.c_contiguous or any(array is other for other in arrays)
    return np.array(array, order="C") if borrowed else array


def _last_uses(reads: Sequence[Sequence[Value]], outputs: set[Value]) -> list[list[Value]]:
    """For each step the values that nothing reads after it."""
    dying: list[list[Value]] = []
    read_later = set(outputs)
    for values in reversed(reads):
        last = set(values) - read_later
        dying.append(list(last))
        read_later |= last
    return dying[::-1]
