"""From a name, config, class or object to the object: the `get` of every family (losses, optimizers, ...)."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from cornu.utils.naming import to_snake_case

# Families that plugins may add to → the kind of the hook.
_PLUGIN_KINDS = {"loss": "losses", "metric": "metrics", "optimizer": "optimizers"}


class Registry:
    """The built-in objects of one family, found by the names that Keras gives them.

    Args:
        family: What an entry is called in errors, such as "loss".
        objects: Classes and functions; each is found by its `__name__`.
        aliases: Further names.
        snake_case: Whether classes are found by their snake-case name too.
        fold_case: Whether case is ignored.
    """

    def __init__(
        self,
        family: str,
        objects: Iterable[Any],
        aliases: Mapping[str, Any] | None = None,
        *,
        snake_case: bool = False,
        fold_case: bool = False,
    ) -> None:
        self.family = family
        self.fold_case = fold_case
        self.snake_case = snake_case
        self.table: dict[str, Any] = {}
        for entry in objects:
            self.table[entry.__name__] = entry
            if snake_case and inspect.isclass(entry):
                self.table[to_snake_case(entry.__name__)] = entry
        self.table.update(aliases or {})
        if fold_case:
            self.table = {name.lower(): entry for name, entry in self.table.items()}

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The entry of that name, or None; what the user registered comes first, and what plugins offer last."""
        from cornu.saving import get_registered_object

        custom = get_registered_object(name, custom_objects=custom_objects)
        found = custom if custom is not None else self.table.get(self._key(name))
        return found if found is not None else self._find_in_plugins(name)

    def _find_in_plugins(self, name: str) -> Any:
        kind = _PLUGIN_KINDS.get(self.family)
        if kind is None:
            return None
        from cornu import plugins

        return plugins.find(kind, name, self._fold)

    def _fold(self, name: str) -> str:
        if self.fold_case:
            return name.lower()
        return to_snake_case(name) if self.snake_case else name

    def _key(self, name: str) -> str:
        return name.lower() if self.fold_case else name

    def get(self, identifier: Any) -> Any:
        """The object meant by a name, config, class or object; None stays None, and a class is instantiated.

        Raises:
            ValueError: If nothing is found.
        """
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            found = self.deserialize(identifier)
        elif isinstance(identifier, str):
            found = self.find(identifier)
        else:
            found = identifier
        if not callable(found):
            raise ValueError(f"Could not interpret {self.family} identifier: {identifier!r}.{self._known(identifier)}")
        return found() if inspect.isclass(found) else found

    def _known(self, identifier: Any) -> str:
        if not isinstance(identifier, str):
            return ""
        told = f" Built-in names: {', '.join(sorted(self.table))}."
        if self.family not in _PLUGIN_KINDS:
            return told
        from cornu.plugins import failures

        return told + failures()

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object described by a config, as `serialize` writes it.

        Raises:
            ValueError, TypeError: If the config names nothing known or does not fit the class.
        """
        from cornu.saving import deserialize_keras_object

        if isinstance(config, str):
            return self.find(config, custom_objects)
        builtin = self._builtin(config)
        if builtin is None or self.find(builtin, custom_objects) is not self.table[self._key(builtin)]:
            return deserialize_keras_object(config, custom_objects=custom_objects)
        entry = self.table[self._key(builtin)]
        if not inspect.isclass(entry):
            return entry
        make: Any = entry
        return make.from_config(dict(config.get("config") or {}))

    def _builtin(self, config: Any) -> str | None:
        """The name of the built-in entry that a config means, or None."""
        if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
            return None
        name = config["config"] if config["class_name"] == "function" else config["class_name"]
        module = config.get("module", "keras") or ""
        if not isinstance(name, str) or not (module == "builtins" or module.split(".")[0] == "keras"):
            return None
        return name if self._key(name) in self.table else None

    def serialize(self, obj: Any) -> Any:
        """A JSON-ready description of an object, in Keras's format."""
        from cornu.saving import serialize_keras_object

        return serialize_keras_object(obj)
