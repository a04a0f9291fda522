"""The base of all layers: weights, sub-layers, building, calling, losses and masks."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cornu import dtype_policies, initializers, tree
from cornu.ir.types import is_float
from cornu.layers import auto_config
from cornu.layers.input_spec import InputSpec, check_inputs
from cornu.layers.stateless import Stateless
from cornu.ops.keras_tensor import KerasTensor, infer_outputs, is_symbolic
from cornu.ops.operation import Node, Operation
from cornu.tracing.tensor import Tensor, convert
from cornu.tracing.trace import named_scope, recording
from cornu.tracing.variable import AutocastScope, Variable
from cornu.utils.failures import name_caller


@dataclass
class CallContext:
    """What an outermost call hands to the layers inside it."""

    entry: Layer
    training: bool | None = None
    losses: list[Any] = field(default_factory=list)


_CONTEXT: ContextVar[CallContext | None] = ContextVar("cornu_call", default=None)


class Layer(Stateless, Operation):
    """A callable with weights.

    Subclasses create weights in `build(input_shape)` and compute in `call(inputs)`; a layer is built at its first call.

    Args:
        activity_regularizer: A function of the output whose result is added to the losses.
        trainable: Whether its weights are trained.
        dtype: A dtype or a dtype policy; the global policy if missing.
        autocast: Whether float inputs are cast to the compute dtype.
        name: A name; made from the class's if missing.
        input_shape: The shape of one sample, for use as the first layer of a `Sequential`.

    Example:
        >>> import cornu
        >>> class Scale(cornu.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(cornu.ops.ones((2, 3))).shape
        (2, 3)
    """

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        Operation.__init__(self, name=name)
        self._init_state()
        self.activity_regularizer = _regularizer(activity_regularizer)
        self.dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self.built = False
        self.supports_masking = _overrides(type(self), "compute_mask")
        self.input_spec: Any = None
        self._trainable = bool(trainable)
        self._input_shape_argument = _input_shape_argument(kwargs)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}")
        self._build_shapes: dict[str, Any] | None = None
        self._losses: list[Any] = []
        self._signature = inspect.signature(self.call)
        self._path = self.name

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        if not auto_config.describes_itself(cls):
            auto_config.remember(instance, args, kwargs)
        return instance

    # -- building ------------------------------------------------------------------------------------------------

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once_built(cls.__dict__["build"])  # type: ignore[method-assign]

    def build(self, input_shape: Any) -> None:
        """Creates the weights; called once, before the first call.

        Args:
            input_shape: The shape of the input, with None for free sizes; a structure of them for several inputs.
        """
        self._build_shapes = {"input_shape": input_shape}
        self.built = True

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer as `get_build_config` recorded it."""
        if not config:
            return
        shapes = {key: _as_shapes(value) for key, value in config.get("shapes_dict", config).items()}
        self.build(*shapes.values()) if "input_shape" in shapes else self.build(**shapes)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built for: `input_shape`, or `shapes_dict` if there are several."""
        shapes = self._build_shapes
        if not shapes:
            return None
        return {"shapes_dict": shapes} if len(shapes) > 1 else {"input_shape": next(iter(shapes.values()))}

    def add_weight(
        self,
        shape: Sequence[int] | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Creates a weight.

        Args:
            shape: Its shape; a scalar if missing.
            initializer: What makes its first value; Glorot-uniform for floats, zeros for the rest if missing.
            dtype: Its dtype; the policy's variable dtype if missing.
            trainable: Whether training changes it.
            autocast: Whether it may be read in the compute dtype.
            regularizer: A function of it that is added to the loss.
            constraint: A function applied to it after each update.
            aggregation: How replicas are combined.
            overwrite_with_gradient: Whether an optimizer replaces it by its gradient.
            name: Its name within the layer.
        """
        from cornu import constraints

        dtype = dtype_policies.get(dtype).variable_dtype if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        variable = Variable(
            initializers.get(initializer),
            shape=tuple(shape or ()),
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            aggregation=aggregation,
            name=name,
        )
        variable.regularizer = _regularizer(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._own(variable)
        return variable

    def _own(self, variable: Variable) -> None:
        if not any(variable is known for known in (*self._trainable_variables, *self._non_trainable_variables)):
            if "/" not in variable.path:  # a weight of a layer inside keeps its place
                variable.path = f"{self._path}/{variable.name}"
            (self._trainable_variables if variable.trainable else self._non_trainable_variables).append(variable)

    # -- calling -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "_signature" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}.__init__ must call super().__init__() first.")
        args, kwargs = tree.map_structure(self._convert_input, (args, kwargs))
        self._check_positional(args)
        if self.input_spec is not None and (args or kwargs):
            check_inputs(self.input_spec, args[0] if args else next(iter(kwargs.values())), self.name)
        context = _CONTEXT.get() or CallContext(self)
        if context.entry is self:
            self._forget_losses()
        training = self._resolve_training(args, kwargs, context)
        token = _CONTEXT.set(CallContext(context.entry, training, context.losses))
        try:
            self._ensure_built(args, kwargs)
            self._fill_masks(args, kwargs)
            if self._accepts("training") and "training" not in self._bound(args, kwargs):
                kwargs["training"] = training
            outputs = self._call_or_record(args, kwargs)
        except Exception as error:
            name_caller(error, "model" if hasattr(self, "compile") else "layer", self, args, kwargs)
            raise
        finally:
            _CONTEXT.reset(token)
        self._set_masks(args, kwargs, outputs)
        return outputs

    def _call_or_record(self, args: Any, kwargs: Any) -> Any:
        if not is_symbolic(args, kwargs):
            return self._run(*args, **kwargs)
        outputs = self.compute_output_spec(*args, **kwargs)
        # `training` is recorded only where it is not what the layer has by default: the model's call decides then.
        parameter = self._signature.parameters.get("training")
        usual = (None, bool(parameter is not None and parameter.default is True))
        Node(self, args, {k: v for k, v in kwargs.items() if k != "training" or v not in usual}, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs' shapes and dtypes, as KerasTensors."""
        return infer_outputs(self._run, *args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        scope = AutocastScope(self.compute_dtype if self.autocast else None)
        with named_scope(self.name), scope:
            outputs = self.call(*args, **kwargs)
            if self.activity_regularizer is not None:
                for leaf in tree.flatten(outputs):
                    if isinstance(leaf, Tensor):
                        self.add_loss(_per_sample(self.activity_regularizer(leaf), leaf))
        return outputs

    def _convert_input(self, leaf: Any) -> Any:
        if isinstance(leaf, (np.ndarray, np.generic, Variable)):
            leaf = convert(leaf)
        castable = isinstance(leaf, (Tensor, KerasTensor)) and self.autocast and is_float(leaf.dtype)
        if not castable or leaf.dtype == self.compute_dtype:
            return leaf
        from cornu import ops

        mask = getattr(leaf, "_keras_mask", None)
        leaf = ops.cast(leaf, self.compute_dtype)
        leaf._keras_mask = mask
        return leaf

    def _check_positional(self, args: Any) -> None:
        for i, arg in enumerate(args):
            if i and not isinstance(arg, (Tensor, KerasTensor, bool, type(None), list, tuple, dict, str, int, float)):
                raise ValueError(
                    f"Only input tensors may be passed as positional arguments to layer {self.name}; "
                    f"argument {i} is {arg!r} of type {type(arg).__name__}."
                )

    def _accepts(self, name: str) -> bool:
        return name in self._signature.parameters

    def _bound(self, args: Any, kwargs: Any) -> dict[str, Any]:
        try:
            return self._signature.bind_partial(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}.call() of layer {self.name}: {error}.") from None

    def _resolve_training(self, args: Any, kwargs: Any, context: CallContext) -> bool | None:
        given = kwargs.get("training") if not self._accepts("training") else self._bound(args, kwargs).get("training")
        if not self._accepts("training"):
            kwargs.pop("training", None)
        if given is not None:
            return bool(given)
        if context.training is not None:
            return context.training
        default = self._signature.parameters.get("training")
        return default.default if default is not None and isinstance(default.default, bool) else None

    def _ensure_built(self, args: Any, kwargs: Any) -> None:
        if self.built:
            return
        tensors = {
            name: value
            for name, value in self._bound(args, kwargs).items()
            if _has_tensor(value) and not name.endswith("mask")
        }
        shapes = {name: tree.map_structure(_shape_of, value) for name, value in tensors.items()}
        with recording(None):
            if not _overrides(type(self), "build"):
                self.build(next(iter(shapes.values()), None))
                return
            parameters = list(inspect.signature(self.build).parameters)
            if len(parameters) <= 1 or not all(f"{name}_shape" in parameters for name in shapes):
                self.build(next(iter(shapes.values()), None))
            else:
                self.build(**{f"{name}_shape": shape for name, shape in shapes.items()})

    # -- masks ---------------------------------------------------------------------------------------------------

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output; that of the input by default."""
        return previous_mask

    def _fill_masks(self, args: Any, kwargs: Any) -> None:
        """Gives `call` the masks that its inputs carry, where it has a parameter for them."""
        bound = self._bound(args, kwargs)
        tensors = [name for name, value in bound.items() if _has_tensor(value) and not name.endswith("mask")]
        for name in tensors:
            # As in Keras: beside other tensors, such as first states, an input's mask goes by the input's name only.
            wanted = "mask" if len(tensors) == 1 else f"{name}_mask"
            if self._accepts(wanted) and bound.get(wanted) is None:
                mask = tree.map_structure(lambda leaf: getattr(leaf, "_keras_mask", None), bound[name])
                if any(leaf is not None for leaf in tree.flatten(mask)):
                    kwargs[wanted] = mask

    def _set_masks(self, args: Any, kwargs: Any, outputs: Any) -> None:
        inputs = args[0] if args else next(iter(kwargs.values()), None)
        # A mask that is given by name counts as the inputs' own.
        previous = kwargs.get("mask")
        if previous is None:
            previous = tree.map_structure(lambda leaf: getattr(leaf, "_keras_mask", None), inputs)
        masked = any(leaf is not None for leaf in tree.flatten(previous))
        if not self.supports_masking:
            if masked:
                warnings.warn(
                    f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input with a mask attached to "
                    "it. However, this layer does not support masking and will therefore destroy the mask information.",
                    stacklevel=3,
                )
            return
        if not masked and not _overrides(type(self), "compute_mask"):
            return
        leaves, found = tree.flatten(outputs), tree.flatten(self.compute_mask(inputs, previous))
        # As in Keras, one mask for several outputs is that of the first.
        for leaf, mask in zip(leaves, found, strict=False):
            if mask is not None and isinstance(leaf, (Tensor, KerasTensor)):
                leaf._keras_mask = mask
                if isinstance(mask, KerasTensor):
                    mask.handed_on = True

    # -- losses --------------------------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar to the loss of the model that contains the layer; call it within `call`."""
        self._losses.extend(tree.flatten(loss))

    @property
    def losses(self) -> list[Any]:
        """What was added in the last call, by this layer and those inside it, and the weights' regularization."""
        collected = [loss for layer in self._flatten_layers() for loss in layer._losses]
        regularized = [variable for variable in self.trainable_weights if variable.regularizer is not None]
        return collected + [variable.regularizer(variable) for variable in regularized]

    def _forget_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._losses = []

    # -- shapes and configuration --------------------------------------------------------------------------------

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for a shape of the input, found by tracing `call`."""
        placeholders = (
            tree_of_shapes(args, self.compute_dtype),
            {name: tree_of_shapes(value, self.compute_dtype) for name, value in kwargs.items()},
        )
        self._ensure_built(tuple(placeholders[0]), {})
        outputs = infer_outputs(self._run, *placeholders[0])
        return tree.map_structure(lambda tensor: tensor.shape, outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the layer again."""
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None:
            from cornu import regularizers

            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config if auto_config.describes_itself(type(self)) else auto_config.described(self, config)

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that inputs are cast to."""
        return self.compute_dtype

    @property
    def path(self) -> str:
        """The layer's name within its model."""
        return self._path

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> Iterator[Layer]:
        seen: set[int] = set()
        pending: list[Layer] = [self] if include_self else list(self._layers)
        while pending:
            layer = pending.pop(0)
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            yield layer
            if recursive or layer is self:
                pending = [*layer._layers, *pending]

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Variable) and "_trainable_variables" in self.__dict__:
            self._own(value)
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _once_built(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps `build`: scopes weight paths, keeps the shapes for the config, and marks the layer as built."""

    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self.__dict__.get("_building"):
            build(self, *args, **kwargs)
            return
        outer = _PATH.get()
        self._path = f"{outer}/{self.name}" if outer else self.name
        token = _PATH.set(self._path)
        object.__setattr__(self, "_building", True)
        try:
            with recording(None):
                build(self, *args, **kwargs)
        finally:
            object.__setattr__(self, "_building", False)
            _PATH.reset(token)
        self.built = True
        names = list(inspect.signature(build).parameters)[1:]
        shapes = {**dict(zip(names, args, strict=False)), **kwargs}
        if self._build_shapes is None:
            self._build_shapes = shapes
        self._lock_state()

    wrapped.__wrapped__ = build  # type: ignore[attr-defined]
    wrapped.__doc__ = build.__doc__
    wrapped.__signature__ = inspect.signature(build)  # type: ignore[attr-defined]
    return wrapped


_PATH: ContextVar[str] = ContextVar("cornu_layer_path", default="")


def _overrides(cls: type, method: str) -> bool:
    return getattr(cls, method) is not getattr(Layer, method)


def _per_sample(loss: Any, outputs: Tensor) -> Any:
    from cornu import ops

    return loss / ops.cast(ops.shape(outputs)[0], loss.dtype)


def _has_tensor(value: Any) -> bool:
    return any(isinstance(leaf, (Tensor, KerasTensor)) for leaf in tree.flatten(value))


def _shape_of(leaf: Any) -> Any:
    return tuple(leaf.shape) if isinstance(leaf, (Tensor, KerasTensor)) else None


def _as_shapes(value: Any) -> Any:
    """Shapes read from JSON: lists of numbers become tuples, structures stay."""
    if isinstance(value, dict):
        return {key: _as_shapes(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if all(isinstance(item, (int, type(None))) for item in value):
            return tuple(value)
        return [_as_shapes(item) for item in value]
    return value


def tree_of_shapes(shapes: Any, dtype: str) -> Any:
    """KerasTensors for a structure of shapes (a tuple or list of numbers and None is one shape)."""
    if isinstance(shapes, dict):
        return {key: tree_of_shapes(item, dtype) for key, item in shapes.items()}
    if isinstance(shapes, (list, tuple)):
        if shapes and all(isinstance(item, (int, type(None))) for item in shapes):
            return KerasTensor(shapes, dtype)
        return [tree_of_shapes(item, dtype) for item in shapes]
    return shapes


def _regularizer(identifier: Any) -> Any:
    from cornu import regularizers

    return regularizers.get(identifier)


def _input_shape_argument(kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """Takes Keras's ways of giving the first layer its input shape out of `kwargs`."""
    batch_size = kwargs.pop("batch_size", None)
    if "batch_input_shape" in kwargs:
        return tuple(kwargs.pop("batch_input_shape"))
    if "batch_shape" in kwargs:
        return tuple(kwargs.pop("batch_shape"))
    if "input_shape" in kwargs:
        return (batch_size, *kwargs.pop("input_shape"))
    if "input_dim" in kwargs:
        return (batch_size, kwargs.pop("input_dim"))
    return None


__all__ = ["CallContext", "InputSpec", "Layer"]
