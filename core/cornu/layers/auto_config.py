"""Configs of layers and models whose class does not define `get_config`: the constructor's arguments."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from cornu import tree

# What `Layer.get_config` writes itself.
OF_LAYER = ("name", "trainable", "dtype", "activity_regularizer")
_PLAIN = (str, int, float, bool, type(None))


def _parameters(cls: Any) -> inspect.Signature:
    signature = inspect.signature(cls.__init__)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


@dataclass(frozen=True)
class _Arguments:
    """What a constructor was called with; no container, so that nothing in it is taken for a part of the object."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def describes_itself(cls: type) -> bool:
    """Whether a class says itself what its config is: Cornu's own do, and those that define `get_config`."""
    if cls.__module__.startswith("cornu."):
        return True
    definer = next(base for base in cls.__mro__ if "get_config" in vars(base))
    return not (definer.__module__.startswith("cornu.") and definer.__name__ in ("Layer", "Functional"))


def remember(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Keeps what an object is being made with, for `described`."""
    instance.__dict__["_made_with"] = _Arguments(args, kwargs)


def described(instance: Any, config: dict[str, Any]) -> dict[str, Any]:
    """A config with the arguments of the object's constructor, such that the class can be made of it.

    Args:
        instance: The object.
        config: What the base class says of it; what the constructor does not take is left out.

    Raises:
        TypeError: If an argument cannot stand in a config: then the class must define `get_config`.
    """
    signature = _parameters(type(instance))
    made_with = instance.__dict__["_made_with"]
    bound = signature.bind(*made_with.args, **made_with.kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = {}
    open_ended = False
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            open_ended = True
            given.update(value)
        elif kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY):
            if value or kind is inspect.Parameter.POSITIONAL_ONLY:
                raise TypeError(_complaint(instance, name, value))
        else:
            given[name] = value
    arguments = {name: value for name, value in given.items() if name not in OF_LAYER}
    for name, value in arguments.items():
        if not all(isinstance(leaf, _PLAIN) for leaf in tree.flatten(value)):
            raise TypeError(_complaint(instance, name, value))
    kept = config if open_ended else {name: value for name, value in config.items() if name in signature.parameters}
    return {**kept, **arguments}


def _complaint(instance: Any, argument: str, value: Any) -> str:
    return (
        f"{type(instance).__name__} ({instance.name}) has no config: its argument `{argument}` is {value!r}, and only "
        "numbers, strings, booleans and None are written by themselves. Define `get_config()`, and "
        "`from_config(config)` where the constructor does not take what that returns."
    )
