"""pluggy's part: which hooks a plugin has, and what they return."""

from __future__ import annotations

import inspect
from typing import Any

import pluggy

from cornu.backend.discovery import Source
from cornu.plugins import hookspecs
from cornu.plugins.offered import KINDS, Offers, check_offers


class PluginLoadError(RuntimeError):
    """A plugin cannot be loaded; the message holds the real reason and `__cause__` its traceback."""


class Hooks:
    """The hooks of all loaded plugins. Each plugin is called on its own: one that raises must not stop the others."""

    def __init__(self) -> None:
        self._plugins = pluggy.PluginManager(hookspecs.PROJECT)
        self._plugins.add_hookspecs(hookspecs)

    def register(self, name: str, plugin: Any) -> None:
        """Takes a plugin in.

        Args:
            name: Its name.
            plugin: A module or object with functions under `@hookimpl`.

        Raises:
            TypeError: It is a class.
        """
        # pluggy takes an object once, yet one module may stand under two names.
        self._plugins.register(_Named(plugin), name)

    def unregister(self, name: str) -> None:
        """Forgets a plugin.

        Args:
            name: Its name.
        """
        self._plugins.unregister(name=name)

    def ask(self, name: str) -> Offers:
        """Calls a plugin's hooks and returns what they offer, by kind and name.

        Args:
            name: The plugin's name.

        Raises:
            TypeError: It has no hook, one that does not exist, or one that returns what it must not.
            Exception: Whatever a hook raises.
        """
        callers = self._plugins.get_hookcallers(self._plugins.get_plugin(name)) or []
        known = ", ".join(f"{hookspecs.PREFIX}{kind}" for kind in KINDS)
        if not callers:
            raise TypeError(f"it has no function under @cornu.plugins.hookimpl; the hooks are {known}")
        offers: Offers = {}
        for caller in callers:
            mine = [hook for hook in caller.get_hookimpls() if hook.plugin_name == name]
            if not caller.has_spec():
                if not all(hook.optionalhook for hook in mine):
                    raise TypeError(f"there is no hook {caller.name!r}; the hooks are {known}")
                continue
            kind = caller.name.removeprefix(hookspecs.PREFIX)
            for hook in mine:
                offers[kind] = check_offers(kind, hook.function())
        return {kind: offers[kind] for kind in KINDS if kind in offers}


class _Named:
    """A plugin's hooks under an identity of their own."""

    def __init__(self, plugin: Any) -> None:
        if inspect.isclass(plugin):
            raise TypeError(f"a plugin must be a module or an object, not the class {plugin.__qualname__}")
        for name in dir(plugin):
            if not name.startswith("__") and hasattr(getattr(plugin, name, None), f"{hookspecs.PROJECT}_impl"):
                setattr(self, name, getattr(plugin, name))


def load_error(source: Source, error: BaseException) -> PluginLoadError:
    """The error for a plugin that raised something.

    Args:
        source: Where the plugin comes from.
        error: What it raised.
    """
    where = str(source) if source.version else source.distribution
    return PluginLoadError(f"Plugin {source.name!r} from {where} cannot be loaded: {type(error).__name__}: {error}")


def plain(name: str) -> str:
    """A distribution's or package's name in the one form in which names are compared.

    Example:
        >>> plain("Cornu_Extras")
        'cornu-extras'
    """
    return name.lower().replace("_", "-").replace(".", "-")


def top(source: Source) -> str:
    """The Python package in which a plugin's entry point lies; empty if its metadata could not be read.

    Args:
        source: The plugin's source.
    """
    return source.entry_point.module.partition(".")[0] if source.entry_point is not None else ""
