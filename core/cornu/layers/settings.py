"""What constructors, `build` and `get_config` of layers share: identifiers by the names of their arguments."""

from __future__ import annotations

from typing import Any

from cornu import activations, constraints, initializers, ops, regularizers
from cornu.backend.config import image_data_format
from cornu.tracing.variable import Variable

_MODULES = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
    "activation": activations,
}


def resolve(layer: Any, **identifiers: Any) -> None:
    """Sets the settings of weights: objects for names and configs of initializers, regularizers and constraints.

    Args:
        layer: The layer.
        identifiers: By attribute, such as `kernel_initializer`; the last word of an attribute says what it is.
    """
    for name, identifier in identifiers.items():
        setattr(layer, name, _MODULES[name.rpartition("_")[2]].get(identifier))


def described(layer: Any, *names: str) -> dict[str, Any]:
    """The part of a config that these attributes are."""
    config = {}
    for name in names:
        module, value = _MODULES.get(name.rpartition("_")[2]), getattr(layer, name)
        config[name] = value if module is None else module.serialize(value)
    return config


def of_weights(*kinds: str) -> list[str]:
    """The names of the settings of some kinds of weights, such as `kernel_initializer`."""
    return [f"{kind}_{what}" for what in ("initializer", "regularizer", "constraint") for kind in kinds]


def weight(layer: Any, name: str, shape: tuple[int, ...], kind: str | None = None, **more: Any) -> Variable:
    """Creates a weight with the layer's `<kind>_initializer`, `<kind>_regularizer` and `<kind>_constraint`.

    Args:
        layer: The layer.
        name: The weight's name.
        shape: Its shape.
        kind: What the settings are named by; the weight's name if missing.
        more: Further arguments of `add_weight`; they come before the layer's settings.
    """
    kind = kind or name
    settings: dict[str, Any] = {
        "initializer": getattr(layer, f"{kind}_initializer"),
        "regularizer": getattr(layer, f"{kind}_regularizer"),
        "constraint": getattr(layer, f"{kind}_constraint"),
        **more,
    }
    variable: Variable = layer.add_weight(shape, name=name, **settings)
    return variable


def given(variables: dict[str, Any], *left_out: str) -> dict[str, Any]:
    """A constructor's arguments for that of its base class, from its `locals()`, `**kwargs` among them."""
    names = [name for name in variables if name not in ("self", "kwargs", "__class__", *left_out)]
    return {**{name: variables[name] for name in names}, **variables.get("kwargs", {})}


def add_bias(outputs: Any, bias: Any, data_format: str) -> Any:
    """Adds one number per channel; nothing if the bias is None."""
    if bias is None:
        return outputs
    inner = len(outputs.shape) - 2
    shape = (1,) * (inner + 1) + (-1,) if data_format == "channels_last" else (1, -1) + (1,) * inner
    return ops.add(outputs, ops.reshape(bias, shape))


def check_rate(name: str, rate: Any) -> None:
    """Checks a fraction.

    Raises:
        ValueError: If it is no number from 0 to 1.
    """
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise ValueError(
            f"Invalid value received for argument `{name}`. Expected a float value between 0 and 1. "
            f"Received: {name}={rate}"
        )


def refuse(layer: str, **settings: Any) -> None:
    """Refuses settings of Keras that Cornu does not have.

    Raises:
        ValueError: If one of them is set.
    """
    for name, value in settings.items():
        if value is not None:
            raise ValueError(f"{layer}: `{name}={value!r}` is not supported; leave it at None.")


def last_size(input_shape: Any, kind: str, name: str, axis: int = -1) -> int:
    """The fixed size of an axis.

    Raises:
        ValueError: If it is free.
    """
    size = input_shape[axis]
    if size is None:
        raise ValueError(
            f"{kind} layer '{name}': axis {axis} of the input must have a fixed size, "
            f"got input shape {tuple(input_shape)}."
        )
    return int(size)


def standard_tuple(value: Any, rank: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """A number repeated for every dimension, or a tuple of the right length.

    Raises:
        ValueError: If it is neither, or not positive.
    """
    values = (value,) * rank if isinstance(value, int) else tuple(value) if isinstance(value, (list, tuple)) else ()
    least = 0 if allow_zero else 1
    if len(values) != rank or any(not isinstance(item, int) or item < least for item in values):
        raise ValueError(
            f"The `{name}` argument must be a positive integer or a tuple of {rank} of them, got {value!r}."
        )
    return values


def standard_data_format(value: str | None) -> str:
    """The data format, by default the configured one.

    Raises:
        ValueError: If it is neither "channels_last" nor "channels_first".
    """
    value = str(value or image_data_format()).lower()
    if value not in ("channels_last", "channels_first"):
        raise ValueError(f"The `data_format` argument must be 'channels_first' or 'channels_last', got {value!r}.")
    return value


def standard_padding(value: str, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """The padding mode in lower case.

    Raises:
        ValueError: If it is not allowed.
    """
    lower = str(value).lower()
    if lower not in allowed:
        raise ValueError(f"The `padding` argument must be one of {allowed}, got {value!r}.")
    return lower


def check_window(layer: Any, input_shape: Any) -> None:
    """Checks that the window of a convolution fits into the input where nothing is padded.

    Raises:
        ValueError: If it is larger than the input.
    """
    spatial = input_shape[1:-1] if layer.data_format == "channels_last" else input_shape[2:]
    for size, kernel, dilation in zip(spatial, layer.kernel_size, layer.dilation_rate, strict=True):
        if layer.padding == "valid" and size is not None and size < (kernel - 1) * dilation + 1:
            raise ValueError(
                f"{type(layer).__name__} layer '{layer.name}': the window of {layer.kernel_size} "
                f"(dilation {layer.dilation_rate}) is larger than the input of shape {tuple(input_shape)}."
            )
