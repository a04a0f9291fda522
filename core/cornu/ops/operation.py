"""Operations: what a functional model is made of. A layer is one; every function of `cornu.ops` has one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from cornu import tree
from cornu.ops.keras_tensor import History, KerasTensor, infer_outputs, is_symbolic
from cornu.utils.naming import auto_name

F = TypeVar("F", bound=Callable[..., Any])


class Node:
    """One call of an operation on symbolic tensors.

    Args:
        operation: The operation.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        outputs: What it returned.
    """

    def __init__(self, operation: Operation, args: Any, kwargs: dict[str, Any], outputs: Any) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self.input_tensors = [leaf for leaf in tree.flatten((args, kwargs)) if isinstance(leaf, KerasTensor)]
        self.output_tensors = [leaf for leaf in tree.flatten(outputs) if isinstance(leaf, KerasTensor)]
        index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for i, tensor in enumerate(self.output_tensors):
            tensor._keras_history = History(operation, index, i)
        for tensor in self.input_tensors:
            if tensor._keras_history is not None:
                tensor._keras_history.operation._outbound_nodes.append(self)

    @property
    def is_input(self) -> bool:
        """True for the node of an input layer."""
        return not self.input_tensors

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes that made the inputs."""
        histories = [tensor._keras_history for tensor in self.input_tensors]
        return list(dict.fromkeys(h.operation._inbound_nodes[h.node_index] for h in histories if h is not None))


class Operation:
    """Something that maps tensors to tensors and can be recorded in a functional model.

    Args:
        name: A name; made from the class's if missing.
    """

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"{type(self).__name__}: `name` must be a string without '/', got {name!r}.")
        self.name = name or auto_name(type(self).__name__)
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if is_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the result."""
        raise TypeError(f"{type(self).__name__} must define `call`.")

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The result's shapes and dtypes, as KerasTensors."""
        return infer_outputs(self.call, *args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records a call on symbolic tensors."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    @property
    def input(self) -> Any:
        """The symbolic input of the operation's one call.

        Raises:
            AttributeError: If it was not called exactly once on symbolic tensors.
        """
        node = self._only_node("input")
        leaves = node.input_tensors
        return leaves[0] if len(leaves) == 1 else leaves

    @property
    def output(self) -> Any:
        """The symbolic output of the operation's one call.

        Raises:
            AttributeError: If it was not called exactly once on symbolic tensors.
        """
        return self._only_node("output").outputs

    def _only_node(self, what: str) -> Node:
        if len(self._inbound_nodes) != 1:
            raise AttributeError(
                f"{self.name} was called {len(self._inbound_nodes)} times on symbolic tensors; "
                f"`{what}` exists only after exactly one such call."
            )
        return self._inbound_nodes[0]

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the operation again."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes an operation of `get_config`'s result."""
        return cls(**config)


class FunctionOperation(Operation):
    """The operation of one function of `cornu.ops`: its settings are the function's non-tensor parameters."""

    function: Callable[..., Any]
    settings: tuple[str, ...]
    module: str

    def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name)
        values = dict(zip(self.settings, args, strict=False))
        unknown = [key for key in kwargs if key not in self.settings]
        if unknown or len(args) > len(self.settings):
            raise TypeError(
                f"{type(self).__name__} takes {', '.join(self.settings) or 'no settings'}, got {unknown or args}."
            )
        self.values = {**values, **kwargs}

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return type(self).function(*args, **{**self.values, **kwargs})

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.values}


_OPERATIONS: dict[str, type[FunctionOperation]] = {}


def op(class_name: str, tensors: int = 1, module: str = "numpy") -> Callable[[F], F]:
    """Makes a function of `cornu.ops` record itself when it is called on a KerasTensor.

    Args:
        class_name: Keras's name of the operation's class, under which a model's config knows it.
        tensors: How many leading parameters are tensors (or structures of them); the others are settings.
        module: Keras's module of the class: "numpy", "nn", "core", "math", "linalg" or "image".

    Example:
        >>> from cornu.ops.operation import find_operation
        >>> import cornu.ops
        >>> find_operation("Multiply").__name__
        'Multiply'
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        settings = tuple(signature.parameters)[tensors:]
        operation = type(
            class_name,
            (FunctionOperation,),
            {"function": staticmethod(function), "settings": settings, "module": module, "__doc__": function.__doc__},
        )
        _OPERATIONS.setdefault(class_name, operation)

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not is_symbolic(args, kwargs):
                return function(*args, **kwargs)
            given = signature.bind(*args, **kwargs).arguments
            kept = {name: given[name] for name in settings if name in given}
            operands = [given[name] for name in tuple(signature.parameters)[:tensors] if name in given]
            inline = {name: kept.pop(name) for name in list(kept) if is_symbolic(kept[name])}
            return operation(**kept)(*operands, **inline)

        call.operation = operation  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def find_operation(class_name: str) -> type[FunctionOperation]:
    """The operation class of that name.

    Raises:
        KeyError: If there is none.
    """
    return _OPERATIONS[class_name]
