"""How a layer may be made and called of which nothing is known: plugins' layers are checked with no code of theirs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import cornu
import numpy as np

from cornu_conformance.layer_draws.drawn import Drawn

INPUTS = ((3, 4), (2, 6, 4), (2, 6, 6, 4), (2, 16, 16, 2), (2, 4, 4, 4, 2))
MOST_ARGUMENTS = 64
# What an argument without a default may be, by what its annotation says; the first that works is taken.
VALUES: dict[str, tuple[Any, ...]] = {
    "int": (2, 4, 1),
    "float": (0.5, 1.0),
    "bool": (False, True),
    "str": ("relu", "same"),
    "tuple": ((2, 2), (4,)),
}
UNKNOWN = (2, 4, 0.5, "relu", (2, 2), None)


def guess(cls: type) -> Drawn:
    """A layer of a class with inputs that it takes.

    A class method `conformance_examples()`, where there is one, says so itself: it returns pairs of a layer and a list
    of arrays, of which the first is taken.

    Args:
        cls: A class of layers.

    Raises:
        TypeError: If no guess makes one that computes something.
    """
    told = getattr(cls, "conformance_examples", None)
    if told is not None:
        layer, arrays = next(iter(told()))
        return Drawn(layer, tuple(arrays), trains=_is_steady(layer))
    errors: list[str] = []
    for arguments in _arguments(cls):
        for inputs in _inputs():
            try:
                layer = cls(**arguments)
                layer(*inputs)
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
                continue
            fresh = cls(**arguments)
            return Drawn(fresh, inputs, trains=_is_steady(layer))
    tried = errors[0] if errors else "none was tried"
    raise TypeError(
        f"{cls.__name__} cannot be made by guesses of its arguments ({tried}); a class method "
        "`conformance_examples()` that returns pairs of a layer and a list of arrays tells how."
    )


def _arguments(cls: type) -> Iterator[dict[str, Any]]:
    parameters = list(inspect.signature(cls).parameters.values())
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [each for each in parameters if each.default is each.empty and each.kind not in open_ended]
    choices = [_values(parameter) for parameter in needed]
    for values in islice(product(*choices), MOST_ARGUMENTS):
        yield {parameter.name: value for parameter, value in zip(needed, values, strict=True)}


def _values(parameter: inspect.Parameter) -> tuple[Any, ...]:
    annotation = str(getattr(parameter.annotation, "__name__", parameter.annotation))
    return next((values for word, values in VALUES.items() if annotation.startswith(word)), UNKNOWN)


def _inputs() -> Iterator[tuple[Any, ...]]:
    random = np.random.RandomState(0)
    floats = [random.normal(size=shape).astype("float32") for shape in INPUTS]
    for array in floats:
        yield (array,)
    yield (random.randint(0, 2, (3, 5)).astype("int32"),)
    for array in floats[:3]:
        yield ([array, array[::-1].copy()],)
        yield (array, array[::-1].copy())


def _is_steady(layer: Any) -> bool:
    """Whether the layer, and all inside it, draw no random numbers."""
    return not any(part._seed_generators for part in layer._flatten_layers()) and isinstance(layer, cornu.layers.Layer)
