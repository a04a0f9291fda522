"""Models that were read from ONNX files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import initializers, ops, tree
from cornu.ir.program import Value
from cornu.models.model import Model
from cornu.models.program_call import call_program
from cornu.ops.keras_tensor import KerasTensor
from cornu.tracing.function import Function
from cornu.tracing.tensor import Tensor, TracedTensor, value_of
from cornu.tracing.trace import current_trace, recording
from cornu.tracing.variable import Variable

if TYPE_CHECKING:
    import os

    from onnx import ModelProto

    from cornu.ir.onnx.reading.importing import ImportedModel


class OnnxModel(Model):
    """A model that computes what an ONNX file says: `cornu.models.from_onnx` makes it.

    It is called, trained, saved and exported as any other. Its weights have the names that they have in the file. It
    is called on an array, on a list of arrays in the file's order of inputs, or on a dict of them by name; several
    outputs come as a list in the file's order.

    Args:
        imported: What was read.
        name: A name.
        kwargs: `trainable` and `dtype`; the dtypes of the computation are those of the file.
    """

    def __init__(self, imported: ImportedModel, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, autocast=False, **kwargs)
        self._imported = imported
        self._variables = [self._variable(path) for path in imported.weights]
        self._runner: Function | None = None
        self._symbolic: tuple[list[KerasTensor], Any] | None = None
        self.built = True

    def _variable(self, path: str) -> Variable:
        imported = self._imported
        place = len(imported.inputs) + list(imported.weights).index(path)
        type = imported.program.inputs[place].type
        value = imported.weights[path]
        if value is None:
            kind = "ones" if path in imported.roles.ones else "glorot_uniform" if type.rank > 1 else "zeros"
            with recording(None):
                value = np.asarray(initializers.get(kind)(type.shape, dtype=type.dtype))
        trained = path not in imported.roles.statistics
        variable = Variable(value, dtype=type.dtype, trainable=trained, autocast=False, name=path)
        self._own(variable)
        variable.path = path
        return variable

    # -- calling -------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        results = self._run_program(self._arranged(inputs))
        return results[0] if len(results) == 1 else list(results)

    def _run_program(self, given: Sequence[Tensor]) -> list[Tensor]:
        if current_trace() is not None:
            return self._record(*given)
        if self._runner is None:
            self._runner = Function(self._record)
        results: list[Tensor] = self._runner(*given)
        return results

    def _record(self, *given: Tensor) -> list[Tensor]:
        trace = current_trace()
        assert trace is not None
        values = [value_of(x, trace) for x in (*given, *(variable.value for variable in self._variables))]
        outputs = call_program(trace.builder, self._imported.program, values)
        return [TracedTensor(value, trace) for value in outputs]

    def _arranged(self, inputs: Any) -> list[Tensor]:
        """The inputs in the file's order, as tensors of the file's dtypes."""
        names = self.input_names
        if isinstance(inputs, dict):
            missing = [name for name in names if name not in inputs]
            if missing:
                raise ValueError(f"Model {self.name} misses the inputs {missing}; it was given {list(inputs)}.")
            leaves = [inputs[name] for name in names]
        else:
            leaves = list(inputs) if isinstance(inputs, (list, tuple)) and len(names) != 1 else [inputs]
            leaves = leaves if len(leaves) == len(names) else tree.flatten(inputs)
        if len(leaves) == 1 == len(names) and isinstance(leaves[0], (list, tuple)) and len(leaves[0]) == 1:
            leaves = list(leaves[0])
        if len(leaves) != len(names):
            raise ValueError(f"Model {self.name} expects {len(names)} input(s) {names}, got {len(leaves)}.")
        return [self._fitted(x, value) for x, value in zip(leaves, self._given, strict=True)]

    def _fitted(self, x: Any, expected: Value) -> Tensor:
        tensor: Tensor = x if isinstance(x, Tensor) else ops.convert_to_tensor(x)
        shapes = tensor.type.shape, expected.shape
        fixed = zip(*shapes, strict=False)
        if len(shapes[0]) != len(shapes[1]) or any(
            isinstance(have, int) and isinstance(want, int) and have != want for have, want in fixed
        ):
            found, wanted = (f"({', '.join(map(str, shape))})" for shape in shapes)
            raise ValueError(
                f'Input "{expected.name}" of model "{self.name}" is incompatible with it: expected shape={wanted}, '
                f"found shape={found}"
            )
        return tensor if tensor.dtype == expected.dtype else ops.cast(tensor, expected.dtype)

    def _convert_input(self, leaf: Any) -> Any:
        return leaf

    # -- structure -----------------------------------------------------------------------------------------------

    @property
    def _given(self) -> tuple[Value, ...]:
        return self._imported.program.inputs[: len(self._imported.inputs)]

    @property
    def input_names(self) -> list[str]:
        """The names of the file's inputs."""
        return list(self._imported.inputs)

    @property
    def output_names(self) -> list[str]:
        """The names of the file's outputs."""
        return list(self._imported.outputs)

    def _called(self) -> tuple[list[KerasTensor], Any]:
        """Symbolic inputs with the file's names and sizes, and what the model makes of them."""
        if self._symbolic is None:
            from cornu.layers.core.input_layer import InputLayer

            inputs = [KerasTensor.of(value.type, value.name) for value in self._given]
            for i, tensor in enumerate(inputs):
                InputLayer(input_tensor=tensor, name=f"{self.name}_input_{i}")
            self._symbolic = inputs, self(inputs[0] if len(inputs) == 1 else inputs)
        return self._symbolic

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs."""
        return self._called()[0]

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs."""
        return tree.flatten(self._called()[1])

    @property
    def input(self) -> Any:
        """The symbolic input, or a list of them."""
        inputs = self.inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self) -> Any:
        """The symbolic output, or a list of them."""
        return self._called()[1]

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or of the inputs."""
        return tree.map_structure(lambda tensor: tensor.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or of the outputs."""
        return tree.map_structure(lambda tensor: tensor.shape, self.output)

    # -- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The graph without its weights, and which of its constants are weights."""
        graph = base64.b64encode(self._imported.graph).decode()
        return {**super().get_config(), "graph": graph, "weights": list(self._imported.weights)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model of the same graph with new weights.

        Raises:
            ValueError: If the config holds no graph that can be read.
        """
        from cornu.ir.onnx.reading.importing import import_model

        settings = dict(config)
        graph, weights = settings.pop("graph"), settings.pop("weights")
        if not isinstance(weights, (list, tuple)) or not all(isinstance(name, str) for name in weights):
            raise ValueError(f"{cls.__name__}: `weights` must be names of constants, got {weights!r}.")
        try:
            message = base64.b64decode(graph, validate=True)
        except (TypeError, binascii.Error) as error:
            raise ValueError(f"{cls.__name__}: `graph` must be an ONNX model in base 64: {error}.") from error
        return cls(import_model(message, weights=tuple(weights)), **settings)


def from_onnx(
    filepath: str | os.PathLike[str] | ModelProto, name: str | None = None, constants: Collection[str] = ()
) -> OnnxModel:
    """A model of an ONNX file: it predicts, trains further, saves and exports like any other.

    Float constants of the file that operators compute with are its weights, under their names in the file: trainable
    ones and, for means and variances of batch normalizations, others. Scalars, constants that hold infinities or NaN,
    and those named in `constants` stay what they are.

    Args:
        filepath: The file, from whomever it is, or an `onnx.ModelProto`. Constants outside the file are read from its
            own folder only.
        name: A name for the model; the file's name if missing.
        constants: Names of float constants that are no weights, such as a mask or a table of positions.

    Raises:
        OnnxImportError: A ValueError: if the file has operators that are not supported (all are listed with their
            nodes), shapes that depend on data, or is damaged or unsafe.
        FileNotFoundError: If there is no such file.

    Example:
        >>> import cornu, os, tempfile
        >>> x = cornu.Input((4,), name="flower")
        >>> path = os.path.join(tempfile.mkdtemp(), "iris.onnx")
        >>> report = cornu.Model(x, cornu.layers.Dense(3, name="scores")(x)).export(path, verbose=False)
        >>> model = cornu.models.from_onnx(path)
        >>> model.input_names, model.output_names
        (['flower'], ['scores'])
        >>> [(weight.path, weight.shape) for weight in model.weights]
        [('scores/kernel', (4, 3)), ('scores/bias', (3,))]
        >>> model.predict(cornu.ops.ones((2, 4)).numpy(), verbose=0).shape
        (2, 3)
    """
    from cornu.ir.onnx.reading.importing import import_model

    imported = import_model(filepath, constants)
    if name is None and not hasattr(filepath, "graph"):
        name = PurePath(filepath).stem or None
    return OnnxModel(imported, name=name)
