"""The installed plugins: listing them, loading one only when something asks for it, and finding what they offer.

`importlib.metadata` alone answers what is installed. Each plugin is imported and asked on its own, so that one that
fails is reported by name and stops nobody else.
"""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from cornu.backend.discovery import Source, find_sources
from cornu.plugins.hooks import Hooks, PluginLoadError, load_error, plain, top
from cornu.plugins.info import SLOW_SECONDS, PluginInfo
from cornu.plugins.offered import KINDS, PASSES_SUFFIX, Loaded, forget_names, register_names
from cornu.plugins.switch import VARIABLE, read_switch

GROUP = "cornu.plugins"

# What is being imported right now: a plugin that asks for something while it loads must not be loaded again.
_LOADING: ContextVar[frozenset[str]] = ContextVar("cornu_plugins_loading", default=frozenset())


class PluginManager:
    """Finds and loads plugins.

    Args:
        group: The entry-point group to look in.
    """

    def __init__(self, group: str = GROUP) -> None:
        self._group = group
        self._hooks = Hooks()
        self._loaded: dict[str, Loaded] = {}
        self._failed: dict[str, PluginLoadError] = {}
        self._found: tuple[tuple[str, ...], dict[str, list[Source]]] | None = None
        self._lock = threading.RLock()

    # -- what is there -------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Lists the plugins that are installed or registered, sorted; imports none of them."""
        return sorted({*self._sources(), *self._loaded})

    def refresh(self) -> None:
        """Forgets what was found and what failed, for a process in which something was just installed."""
        with self._lock:
            self._found = None
            self._failed.clear()

    def _sources(self) -> dict[str, list[Source]]:
        path = tuple(sys.path)
        if self._found is None or self._found[0] != path:
            self._found = path, find_sources(self._group)
        return self._found[1]

    def _allowed(self) -> Iterator[str]:
        switch = read_switch()
        busy = _LOADING.get()
        return (name for name in self.names() if switch.allows(name) and name not in busy)

    # -- loading -------------------------------------------------------------------------------------------------

    def register(self, name: str, plugin: Any) -> None:
        """Adds a plugin that no installed distribution provides; the same name again replaces it.

        Args:
            name: Its name, under which its objects are saved too.
            plugin: A module or object with functions under `@hookimpl`.

        Raises:
            ValueError: The name belongs to an installed plugin.
            PluginLoadError: A hook is unknown, raises, or returns what it must not.
        """
        if owners := self._sources().get(name):
            raise ValueError(f"The plugin name {name!r} belongs to {owners[0]}; choose another name.")
        self.unregister(name)
        source = Source(name, "(this process)", "")
        try:
            self._add(Loaded(name, source, name), plugin)
        except Exception as error:
            raise load_error(source, error) from error

    def unregister(self, name: str) -> None:
        """Forgets a loaded or registered plugin and its names; an unknown one is nothing to do.

        Args:
            name: Its name.
        """
        with self._lock:
            loaded = self._loaded.pop(name, None)
            if loaded is not None:
                self._hooks.unregister(name)
                forget_names(loaded)

    def load(self, name: str) -> Loaded:
        """Imports one plugin and no other.

        Args:
            name: The name of its entry point.

        Raises:
            ValueError: Nothing of that name is installed.
            PluginLoadError: It is switched off, raises on import or in a hook, offers what it must not, or two
                distributions claim its name.
        """
        if not read_switch().allows(name):
            raise PluginLoadError(f"Plugin {name!r} is switched off by {VARIABLE}={read_switch().text}.")
        if name in self._loaded:
            return self._loaded[name]
        if name in self._failed:
            raise self._failed[name]
        try:
            return self._import(name)
        except PluginLoadError as error:
            self._failed[name] = error
            raise

    def _import(self, name: str) -> Loaded:
        claims = self._sources().get(name, [])
        if not claims:
            raise ValueError(f"Unknown plugin {name!r}. Installed: {', '.join(self.names()) or 'none'}.")
        (source, *others) = claims
        if others:
            told = ", ".join(map(str, claims))
            raise PluginLoadError(
                f"Plugin {name!r} cannot be loaded: {len(claims)} distributions claim this name: {told}; uninstall all "
                "but one."
            )
        if source.entry_point is None:
            raise PluginLoadError(f"Plugin {name!r} cannot be loaded: {source.error}.")
        begin = time.perf_counter()
        token = _LOADING.set(_LOADING.get() | {name})
        try:
            plugin = source.entry_point.load()
            seconds = time.perf_counter() - begin
            return self._add(Loaded(name, source, source.distribution, seconds=seconds), plugin)
        except (Exception, SystemExit) as error:
            raise load_error(source, error) from error
        finally:
            _LOADING.reset(token)

    def _add(self, loaded: Loaded, plugin: Any) -> Loaded:
        """Calls a plugin's hooks and keeps it, or leaves nothing of it behind."""
        name = loaded.name
        with self._lock:
            if name in self._loaded:  # another thread was first
                return self._loaded[name]
            self._hooks.register(name, plugin)
            try:
                loaded.offers.update(self._hooks.ask(name))
                if "passes" in loaded.offers and loaded.source.entry_point and not name.endswith(PASSES_SUFFIX):
                    raise TypeError(
                        f"it offers passes, so its entry point's name must end in {PASSES_SUFFIX!r}; others are loaded "
                        "too late for the first program"
                    )
                register_names(loaded)
            except BaseException:
                self._hooks.unregister(name)
                raise
            self._loaded[name] = loaded
            return loaded

    # -- finding -------------------------------------------------------------------------------------------------

    def _loadable(self) -> Iterator[Loaded]:
        for name in list(self._allowed()):
            try:
                yield self.load(name)
            except PluginLoadError:
                continue  # `problems` tells

    def problems(self) -> list[str]:
        """Why each plugin that failed so far cannot be loaded."""
        return [str(error) for _, error in sorted(self._failed.items())]

    def offers(self, kind: str) -> dict[str, Any]:
        """Loads all plugins and returns all that they offer of one kind, by `package>Name`.

        Args:
            kind: `"layers"`, `"losses"`, `"metrics"`, `"optimizers"`, `"callbacks"`, `"datasets"` or `"passes"`.

        Raises:
            ValueError: There is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
        return {
            f"{loaded.package}>{name}": obj
            for loaded in self._loadable()
            for name, obj in loaded.offers.get(kind, {}).items()
        }

    def find(self, kind: str, name: str, fold: Callable[[str], str] | None = None) -> Any:
        """What plugins offer under a name, `package>Name` or plain, or None; all are loaded for a plain one.

        Args:
            kind: The kind, such as `"layers"`.
            name: The name.
            fold: Maps names to what is compared; None compares them as they are.

        Raises:
            ValueError: There is no such kind, or two packages offer different objects under the plain name.
        """
        if ">" in name:
            self._load_package(name.partition(">")[0])
        fold = fold or str
        found = {
            full: obj
            for full, obj in self.offers(kind).items()
            if fold(name) in (fold(full), fold(full.partition(">")[2]))
        }
        if len({id(obj) for obj in found.values()}) > 1:
            raise ValueError(
                f"More than one plugin offers {name!r} among the {kind}: say which by its full name, one of "
                f"{', '.join(sorted(found))}."
            )
        return next(iter(found.values()), None)

    def claim(self, obj: Any) -> None:
        """Loads the plugins of the package in which a class or function is defined, so that it gets its saved name.

        Args:
            obj: The class or function.
        """
        home = str(getattr(obj, "__module__", None) or "").partition(".")[0]
        if home in ("", "__main__", "builtins", "cornu"):
            return
        for name in list(self._allowed()):
            if name not in self._loaded and home in map(top, self._sources().get(name, [])):
                self._try(name)

    def load_registered(self, name: str) -> None:
        """Loads the plugins that may have registered a name that a file gives, and no others.

        Args:
            name: The name, `package>Name`.
        """
        package, sign, _ = name.partition(">")
        if sign:
            self._load_package(package)

    def _load_package(self, package: str) -> None:
        if not self.providers(package):
            self.refresh()
        for name in self.providers(package):
            self._try(name)

    def _try(self, name: str) -> None:
        try:
            if name not in _LOADING.get():
                self.load(name)
        except PluginLoadError:
            pass  # `explain` and `problems` tell

    def providers(self, package: str) -> list[str]:
        """The names of the plugins whose distribution, entry point or Python package has a name; off ones too.

        Args:
            package: The name.
        """

        def called(name: str) -> set[str]:
            sources = self._sources().get(name, [])
            return {plain(name)}.union(*({plain(source.distribution), plain(top(source))} for source in sources))

        return [name for name in self.names() if plain(package) in called(name)]

    def passes(self) -> list[tuple[str, Callable[[Any], Any]]]:
        """The passes over programs and the plugins that they are from, by plugin and then in each one's order.

        Only plugins whose names end in `.passes` are imported for it; one that cannot be is warned about once.
        """
        found = []
        for name in list(self._allowed()):
            if name not in self._loaded and not name.endswith(PASSES_SUFFIX):
                continue
            known = name in self._failed
            try:
                found += [(name, run) for run in self.load(name).offers.get("passes", {}).values()]
            except PluginLoadError as error:
                if not known:
                    warnings.warn(f"Programs are compiled without its passes. {error}", RuntimeWarning, stacklevel=2)
        return found

    def installed(self) -> list[PluginInfo]:
        """Loads every plugin that is not switched off and tells about each; one that fails stops no other."""
        switch = read_switch()
        infos = []
        for name in self.names():
            sources = self._sources().get(name, []) or [self._loaded[name].source]
            infos += [self._info(name, source, off=not switch.allows(name)) for source in sources]
        return infos

    def _info(self, name: str, source: Source, off: bool) -> PluginInfo:
        if off:
            return PluginInfo(name, source.distribution, source.version, off=True)
        try:
            loaded = self.load(name)
        except PluginLoadError as error:
            return PluginInfo(name, source.distribution, source.version, error=str(error))
        offers = {kind: tuple(objects) for kind, objects in loaded.offers.items()}
        note = f"slow: took {loaded.seconds:.1f} s to import" if loaded.seconds > SLOW_SECONDS else ""
        return PluginInfo(name, source.distribution, source.version, offers, note=note)
