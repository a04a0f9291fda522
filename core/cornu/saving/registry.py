"""Names for custom classes and functions, so that a file can say what to make and a reader can find it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_OBJECTS: dict[str, Any] = {}
_NAMES: dict[Any, str] = {}
_SCOPE: ContextVar[Mapping[str, Any] | None] = ContextVar("cornu_custom_objects", default=None)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that registers a class or function under `package>name`.

    Args:
        package: The package it belongs to.
        name: Its name there; its Python name if None.

    Raises:
        ValueError: If a class has no `get_config()`.

    Example:
        >>> @register_keras_serializable("mine")
        ... class Range:
        ...     def get_config(self):
        ...         return {}
        >>> get_registered_name(Range)
        'mine>Range'
    """

    def register(target: T) -> T:
        registered = f"{package}>{name if name is not None else target.__name__}"  # type: ignore[attr-defined]
        if inspect.isclass(target) and not hasattr(target, "get_config"):
            raise ValueError(f"Class {target.__name__} cannot be registered: it has no get_config() method.")
        _OBJECTS[registered] = target
        _NAMES[target] = registered
        return target

    return register


class CustomObjectScope:
    """Within it, files and configs may refer to these classes and functions by name.

    Args:
        custom_objects: Name to class or function. An inner scope adds to the outer one.

    Example:
        >>> with CustomObjectScope({"double": lambda x: 2 * x}):
        ...     get_registered_object("double")(4)
        8
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> CustomObjectScope:
        self._token = _SCOPE.set({**(_SCOPE.get() or {}), **self.custom_objects})
        return self

    def __exit__(self, *error: object) -> None:
        _SCOPE.reset(self._token)


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The live global dictionary of registered objects; scopes are not part of it."""
    return _OBJECTS


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered, else its Python name; a plugin's are registered."""
    return _NAMES[obj] if is_registered(obj) else str(obj.__name__)


def is_registered(obj: Any) -> bool:
    """True for a class or function that a plugin offers or that went through `register_keras_serializable`."""
    if not has_name(obj):
        from cornu.plugins import claim

        claim(obj)
    return has_name(obj)


def has_name(obj: Any) -> bool:
    """True if a class or function has a registered name by now; no plugin is loaded for it."""
    try:
        return obj in _NAMES
    except TypeError:  # not hashable, so never registered
        return False


def forget(registered: str, obj: Any) -> None:
    """Takes a registration back.

    Args:
        registered: The registered name.
        obj: The class or function; where the name means another one by now, that stays.
    """
    if _OBJECTS.get(registered) is obj:
        del _OBJECTS[registered]
        _NAMES.pop(obj, None)


def get_registered_object(
    name: str | None,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The object of a name: from the scope, the registry, `custom_objects`, `module_objects`, in this order.

    A name with a package, `package>Name`, that none of them knows is looked for in the plugin of that package.

    Args:
        name: A registered or plain name.
        custom_objects: Further objects by name.
        module_objects: What a namespace offers by name.

    Returns:
        The class or function, or None.
    """
    if name is None:
        return None
    for known in (_SCOPE.get(), _OBJECTS, custom_objects, module_objects):
        if known and name in known:
            return known[name]
    if ">" not in name:
        return None
    from cornu.plugins import load_registered

    load_registered(name)
    return _OBJECTS.get(name)
