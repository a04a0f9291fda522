"""One part of a program as a compiled model of OpenVINO's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.program import Program, Value

from cornu_openvino.buffers import Tensor, array_type, tensor_of
from cornu_openvino.errors import backend_error
from cornu_openvino.forms import write
from cornu_openvino.parts import Part
from cornu_openvino.runtime import Runtime

_BY_REFERENCE = 1 << 10
"""The size in bytes from which a constant is given to OpenVINO as it is instead of through the model's bytes."""

_LARGE = 1 << 15
"""The number of elements that pass through a part from which several threads gain something."""


class Model:
    """A part of a program, ready to run. Threads may call it at once.

    Args:
        runtime: What executables share.
        device: The device.
        part: The part.
        constants: The values that are known.

    Raises:
        BackendError: If OpenVINO cannot compile it.
    """

    def __init__(
        self,
        runtime: Runtime,
        device: str,
        part: Part,
        constants: Mapping[Value, np.ndarray],
    ) -> None:
        referred = {v: constants[v] for v in part.inputs if v in constants and constants[v].nbytes >= _BY_REFERENCE}
        self.inputs = tuple(value for value in part.inputs if value not in constants)
        self.outputs = part.outputs
        self._types = [array_type(value) for value in part.outputs]
        self._runtime = runtime
        self._free: list[Run] = []
        self._lock = Lock()
        program = _program(part, [*self.inputs, *referred], constants)
        proto = program.to_onnx()
        self._nodes = {
            name: (node.op_type, node.name.rpartition("/")[0])
            for node in proto.graph.node
            for name in (*node.output, node.name)
        }
        names = [value.name for value in proto.graph.input]
        try:
            model = runtime.core.read_model(proto.SerializeToString(), b"")
            self._keep = _set_constants(runtime, model, names[len(self.inputs) :], list(referred.values()))
            _keep_divisions(model)
            self._compiled = runtime.core.compile_model(model, device, _properties(runtime, device, part))
        except Exception as error:
            raise backend_error(error, self._nodes) from error
        places = {name: i for i, port in enumerate(self._compiled.inputs) for name in port.get_names()}
        # OpenVINO leaves out what nothing reads.
        self._places = [places.get(name) for name in names[: len(self.inputs)]]
        found = {name: i for i, port in enumerate(self._compiled.outputs) for name in port.get_names()}
        self._output_places = [found[value.name] for value in proto.graph.output]

    def __call__(self, tensors: Sequence[Tensor]) -> list[np.ndarray]:
        """Runs the part.

        Args:
            tensors: OpenVINO's views of its inputs, which the caller keeps alive.

        Raises:
            BackendError: If OpenVINO fails.
        """
        with self.running() as run:
            for i, tensor in enumerate(tensors):
                run.set_input(i, tensor)
            results = [self.result(i) for i in range(len(self.outputs))]
            for i, result in enumerate(results):
                run.set_output(i, tensor_of(self._runtime.module, result))
            run.infer()
        return results

    def result(self, i: int) -> np.ndarray:
        """Memory for the i-th output."""
        shape, dtype = self._types[i]
        return self._runtime.memory.empty(shape, dtype)

    @contextmanager
    def running(self) -> Iterator[Run]:
        """Lends what runs the part, to one caller at a time.

        Raises:
            BackendError: If OpenVINO fails in the meantime.
        """
        with self._lock:
            run = self._free.pop() if self._free else None
        try:
            run = run or Run(self._compiled.create_infer_request(), self._places, self._output_places)
            yield run
        except RuntimeError as error:
            raise backend_error(error, self._nodes) from error
        with self._lock:
            self._free.append(run)


class Run:
    """A request of OpenVINO's, with inputs and outputs by their places in the part.

    Args:
        request: The request.
        inputs: The request's place of each input, or None for one that nothing reads.
        outputs: The request's place of each output.
    """

    def __init__(self, request: Any, inputs: Sequence[int | None], outputs: Sequence[int]) -> None:
        self._request = request
        self._inputs, self._outputs = inputs, outputs

    def set_input(self, i: int, tensor: Tensor) -> None:
        """Says where an input lies."""
        place = self._inputs[i]
        if place is not None:
            self._request.set_input_tensor(place, tensor)

    def set_output(self, i: int, tensor: Tensor) -> None:
        """Says where an output is to be written."""
        self._request.set_output_tensor(self._outputs[i], tensor)

    def infer(self) -> None:
        """Runs the part once."""
        # Without the option OpenVINO copies all outputs.
        self._request.infer(share_outputs=True)


def _program(part: Part, inputs: Sequence[Value], constants: Mapping[Value, np.ndarray]) -> Program:
    b = Builder("part")
    values = {value: b.input(value.type, value.name) for value in inputs}
    for value in part.inputs:
        if value not in values:
            values[value] = b.constant(constants[value])
    for node in part.nodes:
        results = write(b, node, [values[value] for value in node.inputs], constants)
        values.update(zip(node.outputs, results, strict=True))
    return b.finish([values[value] for value in part.outputs])


def _keep_divisions(model: Any) -> None:
    """Forbids OpenVINO to multiply by reciprocals, which makes `x / x` less than 1: its own mark for that.

    Where a constant is divided it stays allowed: OpenVINO takes such a quotient for its reciprocal when it merges it
    into a product of matrices or a reduction.
    """
    for operation in model.get_ops():
        if operation.get_type_name() == "Divide" and _varies(operation.input_value(0).get_node()):
            operation.get_rt_info()["nonconvertable_divide_0"] = True


def _varies(operation: Any) -> bool:
    """Whether an operation depends on an input of the model."""
    waiting = [operation]
    while waiting:
        operation = waiting.pop()
        if operation.get_type_name() == "Parameter":
            return True
        waiting.extend(source.get_node() for source in operation.input_values())
    return False


def _set_constants(
    runtime: Runtime, model: Any, names: Sequence[str], arrays: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Puts constants in the place of inputs, without copying them; returns what must live as long as the model."""
    kept = []
    known = {name: port.get_node() for port in model.inputs for name in port.get_names()}
    for name, array in zip(names, arrays, strict=True):
        if name not in known:
            continue
        kept.append(np.ascontiguousarray(array).reshape(array.shape))
        constant = runtime.module.op.Constant(tensor_of(runtime.module, kept[-1]), shared_memory=True)
        for reader in known[name].output(0).get_target_inputs():
            reader.replace_source_output(constant.output(0))
        model.remove_parameter(known[name])
    if kept:
        model.validate_nodes_and_infer_types()
    return kept


def _properties(runtime: Runtime, device: str, part: Part) -> dict[str, Any]:
    """What OpenVINO is asked for: a small part runs in the caller's thread and gets none of its own."""
    if not device.startswith("CPU"):
        return dict(runtime.properties)
    values = {value for node in part.nodes for value in (*node.inputs, *node.outputs)}
    elements = sum(int(value.type.size) for value in values)
    if elements < _LARGE:
        return {"NUM_STREAMS": 0, **runtime.properties}
    # The second keeps OpenVINO from giving each model one thread more, for calls that nobody makes.
    return {"NUM_STREAMS": 1, "EXCLUSIVE_ASYNC_REQUESTS": True, **runtime.properties}
