"""Layers, losses, metrics, optimizers, callbacks, data sets and program passes from other distributions.

Importing this module imports no plugin; each is loaded when something first asks for what it may offer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.plugins.hooks import PluginLoadError
from cornu.plugins.hookspecs import hookimpl, hookspec
from cornu.plugins.info import PluginInfo
from cornu.plugins.manager import GROUP, PluginManager
from cornu.plugins.pass_runner import PluginPassError
from cornu.plugins.switch import VARIABLE

__all__ = [
    "GROUP", "VARIABLE", "PluginInfo", "PluginLoadError", "PluginManager", "PluginPassError", "claim", "explain",
    "find", "get", "hookimpl", "hookspec", "installed", "load", "load_registered", "names", "offers", "passes",
    "problems", "refresh", "register", "unregister",
]  # fmt: skip

_manager = PluginManager()


def names() -> list[str]:
    """Lists the plugins that are installed or registered, sorted; imports none of them."""
    return _manager.names()


def installed() -> list[PluginInfo]:
    """Loads every plugin that is not switched off and tells about each; see `PluginManager.installed`."""
    return _manager.installed()


def load(name: str) -> None:
    """Imports one plugin and no other.

    Args:
        name: The name of its entry point.

    Raises:
        ValueError: Nothing of that name is installed.
        PluginLoadError: It is switched off or cannot be loaded; the message holds the real reason.
    """
    _manager.load(name)


def register(name: str, plugin: Any) -> None:
    """Adds a plugin of this process, as a notebook or a test does; see `PluginManager.register`.

    Args:
        name: Its name, under which its objects are saved too.
        plugin: A module or object with functions under `@hookimpl`.

    Raises:
        ValueError: The name belongs to an installed plugin.
        PluginLoadError: A hook is unknown, raises, or returns what it must not.
    """
    _manager.register(name, plugin)


def unregister(name: str) -> None:
    """Forgets a plugin and the names of its objects.

    Args:
        name: Its name.
    """
    _manager.unregister(name)


def refresh() -> None:
    """Looks for plugins anew, and gives those that failed another chance."""
    _manager.refresh()


def offers(kind: str) -> dict[str, Any]:
    """All that the plugins offer of one kind, by `package>Name`; see `PluginManager.offers`.

    Args:
        kind: `"layers"`, `"losses"`, `"metrics"`, `"optimizers"`, `"callbacks"`, `"datasets"` or `"passes"`.
    """
    return _manager.offers(kind)


def find(kind: str, name: str, fold: Callable[[str], str] | None = None) -> Any:
    """What plugins offer under a name, or None; see `PluginManager.find`.

    Args:
        kind: The kind, such as `"layers"`.
        name: `package>Name` or a plain name.
        fold: Maps names to what is compared, such as `str.lower`.
    """
    return _manager.find(kind, name, fold)


def get(kind: str, name: str) -> Any:
    """What plugins offer under a name.

    Args:
        kind: The kind, such as `"layers"`.
        name: `package>Name`, or a plain name that only one package offers.

    Raises:
        ValueError: No plugin offers it, or more than one does; the message tells what is there.

    Example:
        >>> SwiGLU = cornu.plugins.get("layers", "SwiGLU")
    """
    found = find(kind, name)
    if found is None:
        known = ", ".join(sorted(offers(kind))) or "none"
        raise ValueError(f"No plugin offers {name!r} among the {kind}. Offered: {known}.{failures()}")
    return found


def failures() -> str:
    """A sentence for errors about the plugins that could not be loaded so far; empty if there is none."""
    problems_ = problems()
    return f" Not loaded: {' '.join(problems_)}" if problems_ else ""


def problems() -> list[str]:
    """Why each plugin that failed so far cannot be loaded."""
    return _manager.problems()


def passes() -> list[tuple[str, Callable[[Any], Any]]]:
    """The program passes of plugins, in the order in which they run; see `PluginManager.passes`."""
    return _manager.passes()


def claim(obj: Any) -> None:
    """Lets a class or function of an installed plugin get its saved name; see `PluginManager.claim`.

    Args:
        obj: The class or function.
    """
    _manager.claim(obj)


def load_registered(name: str) -> None:
    """Loads the plugins that a registered name may come from; see `PluginManager.load_registered`.

    Args:
        name: The name, `package>Name`.
    """
    _manager.load_registered(name)


def explain(registered: str | None, module: str | None) -> str:
    """Why a registered name of a file was not found, and what to do; empty where plugins have nothing to do with it.

    Args:
        registered: The registered name, `package>Name`.
        module: The module that the file gives.

    Example:
        >>> explain("cornu-extras>LayerScale", "cornu_extras.scaling")
        " It was saved as 'LayerScale' of the package 'cornu-extras', and no such plugin is installed: `pip install ..."
    """
    package, sign, name = (registered or "").partition(">")
    if not sign or package == "Custom" or not module:
        return ""
    providers = _manager.providers(package)
    if not providers:
        return (
            f" It was saved as {name!r} of the package {package!r}, and no such plugin is installed: "
            f"`pip install {package}` brings it, if it is a distribution that you trust."
        )
    reasons = []
    for provider in providers:
        try:
            loaded = _manager.load(provider)
            reasons.append(f"Plugin {provider!r} from {loaded.source} does not offer {name!r}; another version may.")
        except PluginLoadError as error:
            reasons.append(str(error))
    return " " + " ".join(reasons)
