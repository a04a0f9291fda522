"""Signatures as text, the same for Keras's functions and for ours; needs nothing but Python."""

from __future__ import annotations

import inspect
from typing import Any

KINDS = inspect.Parameter

# Classes whose methods users call or override: their public methods are compared, too.
BASES = (
    "Function", "Initializer", "KerasTensor", "Layer", "Loss", "Metric", "Model", "Operation", "Optimizer",
    "Regularizer", "Sequential", "Variable", "callbacks.Callback", "callbacks.CallbackList", "constraints.Constraint",
    "optimizers.schedules.LearningRateSchedule", "random.SeedGenerator", "utils.Progbar", "utils.PyDataset",
)  # fmt: skip


def signature(value: Any) -> str | None:
    """A function's or a class's parameters: names, order, kinds and defaults, without types.

    Returns:
        Such as "(units, activation=None, **kwargs)"; None for what is neither.

    Example:
        >>> signature(lambda x, axis=-1, *, name="y": x)
        "(x, axis=-1, *, name='y')"
    """
    if inspect.isclass(value):
        if value.__init__ is object.__init__:
            return "()"
        return _text(list(inspect.signature(value.__init__).parameters.values())[1:])
    return _text(list(inspect.signature(value).parameters.values())) if callable(value) else None


def methods(cls: type) -> dict[str, str]:
    """The public methods of a class with their signatures."""
    found = {}
    for name in sorted(dir(cls)):
        raw = inspect.getattr_static(cls, name)
        if name.startswith("_") or isinstance(raw, property) or not callable(getattr(cls, name)):
            continue
        parameters = list(inspect.signature(getattr(cls, name)).parameters.values())
        bound = isinstance(raw, (staticmethod, classmethod))
        found[name] = _text(parameters if bound else parameters[1:])
    return found


def _text(parameters: list[inspect.Parameter]) -> str:
    parts = []
    keyword_only = False
    for parameter in parameters:
        if parameter.kind is KINDS.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
        keyword_only = keyword_only or parameter.kind in (KINDS.KEYWORD_ONLY, KINDS.VAR_POSITIONAL)
        stars = {KINDS.VAR_POSITIONAL: "*", KINDS.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is KINDS.empty else f"={_default(parameter.default)}"
        parts.append(f"{stars}{parameter.name}{default}")
    return f"({', '.join(parts)})"


def _default(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(_default, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if value is None or isinstance(value, (bool, int, float, str, bytes, dict)):
        return repr(value)
    return f"<{getattr(value, '__name__', type(value).__name__)}>"
