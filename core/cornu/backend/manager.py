"""The installed backends: listing them, loading one by name, and the one live instance for each set of options.

The core names no backend. Those that come with Cornu are found exactly as anyone else's are.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any, cast

import pluggy

from cornu.backend.check import check_backend_class
from cornu.backend.contract import Backend
from cornu.backend.discovery import Source, find_sources
from cornu.backend.info import BackendInfo as BackendInfo
from cornu.backend.info import Provider, describe

GROUP = "cornu.backends"


class BackendLoadError(RuntimeError):
    """An installed backend cannot be loaded; the message holds the real reason and `__cause__` its traceback."""


class BackendManager:
    """Finds, loads and starts backends.

    Args:
        group: The entry-point group to look in.
    """

    def __init__(self, group: str = GROUP) -> None:
        self._group = group
        self._plugins = pluggy.PluginManager(group)
        self._instances: dict[tuple[str, Any], Backend] = {}
        self._lock = threading.RLock()

    def names(self) -> list[str]:
        """Lists the names that are installed or registered, sorted; imports none of them."""
        registered = {name for name, provider in self._plugins.list_name_plugin() if provider is not None}
        return sorted(registered | set(find_sources(self._group)))

    def register(self, name: str, backend: type) -> None:
        """Adds a backend class that no installed distribution provides.

        Registering a class again after it was redefined, as a notebook cell does, replaces it.

        Args:
            name: The name to select it by.
            backend: A class that fulfils `cornu.backend.contract.Backend`.

        Raises:
            TypeError: The class lacks something that the contract requires.
            ValueError: The class is of another contract version, or the name belongs to another backend.
        """
        check_backend_class(backend)
        with self._lock:
            if owners := find_sources(self._group).get(name):
                raise ValueError(f"The backend name {name!r} belongs to {owners[0]}; choose another name.")
            known = self._plugins.get_plugin(name)
            if known is not None and _qualified(known.backend) != _qualified(backend):
                raise ValueError(
                    f"The backend name {name!r} belongs to {_qualified(known.backend)}; choose another name."
                )
            self.unregister(name)
            self._plugins.register(Provider(backend, Source(name, "(this process)", "")), name)

    def unregister(self, name: str) -> None:
        """Forgets a loaded or registered backend and its live instances; an unknown name is nothing to do.

        Args:
            name: The name that it was registered under.
        """
        with self._lock:
            if self._plugins.get_plugin(name) is not None:
                self._plugins.unregister(name=name)
            self._instances = {key: backend for key, backend in self._instances.items() if key[0] != name}

    def load(self, name: str) -> type:
        """Imports one backend's class and no other's.

        Args:
            name: An installed name.

        Raises:
            ValueError: Nothing of that name is installed.
            BackendLoadError: It is installed but raises on import, was written for another contract version, lacks
                something, or two distributions claim its name.
        """
        return self._provider(name).backend

    def start(self, name: str, options: Mapping[str, Any]) -> Backend:
        """Returns the live instance for a name and its options, which is made on the first request.

        Args:
            name: An installed name.
            options: The keyword arguments for the backend's class.

        Raises:
            ValueError: Nothing of that name is installed.
            BackendLoadError: It is installed but cannot be loaded.
            TypeError: An option can be neither compared nor hashed.
            Exception: Whatever the class raises for these options, with a note that names the backend.
        """
        key = (name, _freeze(options))
        if key in self._instances:
            return self._instances[key]
        backend = self.load(name)
        with self._lock:
            if key not in self._instances:
                try:
                    self._instances[key] = cast(Backend, backend(**options))
                except Exception as error:
                    error.add_note(f"while starting backend {name!r} with options {dict(options)!r}")
                    raise
            return self._instances[key]

    def start_default(self, options_of: Mapping[str, Mapping[str, Any]]) -> tuple[str, Backend]:
        """Starts the backend of the highest declared priority among those that load; equal ones by name.

        One that loads and then does not start is passed over with a warning, as its rank was known.

        Args:
            options_of: Configured options by backend name.

        Raises:
            BackendLoadError: No backend can be started; the reason of each is told.
        """
        candidates: list[tuple[int, str]] = []
        reasons: list[str] = []
        for name in self.names():
            try:
                candidates.append((-int(self.load(name).priority), name))  # type: ignore[attr-defined]
            except BackendLoadError as error:
                reasons.append(str(error))
        for _, name in sorted(candidates):
            try:
                return name, self.start(name, options_of.get(name, {}))
            except Exception as error:
                reasons.append(f"Backend {name!r} does not start: {type(error).__name__}: {error}")
                warnings.warn(f"{reasons[-1]}; trying the next one.", RuntimeWarning, stacklevel=2)
        told = "".join(f"\n  {reason}" for reason in reasons)
        raise BackendLoadError("No backend can be used." + (told or f" None is installed under {self._group!r}."))

    def installed(self) -> list[BackendInfo]:
        """Loads every backend and tells about each, best first; one that cannot load stops no other."""
        infos: list[BackendInfo] = []
        sources = find_sources(self._group)
        for name in self.names():
            claims = sources.get(name, [])
            if len(claims) > 1:
                infos += [BackendInfo(name, s.distribution, s.version, error=_conflict(claims)) for s in claims]
                continue
            try:
                infos.append(describe(self._provider(name)))
            except BackendLoadError as error:
                cause = error.__cause__
                reason = f"{type(cause).__name__}: {cause}" if cause else str(error)
                infos.append(BackendInfo(name, claims[0].distribution, claims[0].version, error=reason))
        return sorted(infos, key=lambda info: (bool(info.error), -(info.priority or 0), info.name))

    def _provider(self, name: str) -> Provider:
        provider = self._plugins.get_plugin(name)
        if provider is None:
            imported = self._import(name)  # outside the lock: a plugin may register others while it is imported
            with self._lock:
                provider = self._plugins.get_plugin(name)
                if provider is None:
                    self._plugins.register(imported, name)
                    provider = imported
        return cast(Provider, provider)

    def _import(self, name: str) -> Provider:
        claims = find_sources(self._group).get(name, [])
        if not claims:
            raise ValueError(f"Unknown backend {name!r}. Installed: {', '.join(self.names()) or 'none'}.")
        if len(claims) > 1:
            raise BackendLoadError(f"Backend {name!r} cannot be loaded: {_conflict(claims)}.")
        (source,) = claims
        if source.entry_point is None:
            raise BackendLoadError(f"Backend {name!r} cannot be loaded: {source.error}.")
        begin = time.perf_counter()
        try:
            # Not pluggy's own loader: it reads every distribution's metadata, and one damaged file would stop us.
            backend = check_backend_class(source.entry_point.load())
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            raise BackendLoadError(f"Backend {name!r} from {source} cannot be loaded: {reason}") from error
        return Provider(backend, source, time.perf_counter() - begin)


def _conflict(claims: list[Source]) -> str:
    return f"{len(claims)} distributions claim this name: {', '.join(map(str, claims))}; uninstall all but one"


def _qualified(backend: type) -> str:
    return f"{backend.__module__}.{backend.__qualname__}"


def _freeze(value: Any) -> Any:
    """Turns nested options into something hashable in which order of keys does not count."""
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _freeze(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_freeze(item) for item in value)
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"backend options must be plain values or hashable objects, not {type(value).__name__}"
        ) from None
    return value


_manager = BackendManager()


def backend_names() -> list[str]:
    """Lists the names of the installed and registered backends; imports none of them."""
    return _manager.names()


def register_backend(name: str, backend: type) -> None:
    """Adds a backend class of this process; see `BackendManager.register`.

    Args:
        name: The name to select it by.
        backend: A class that fulfils the backend contract.

    Example:
        >>> cornu.backend.manager.register_backend("toy", ToyBackend)
        >>> cornu.config.set_backend("toy")
    """
    _manager.register(name, backend)


def unregister_backend(name: str) -> None:
    """Forgets a registered backend and its live instances.

    Args:
        name: The name that it was registered under.
    """
    _manager.unregister(name)


def installed() -> list[BackendInfo]:
    """Loads every installed backend and tells about each, best first; those with an `error` cannot be used."""
    return _manager.installed()


def get_backend(name: str, **options: Any) -> Backend:
    """Returns the one live instance of a backend with these options.

    Args:
        name: An installed name.
        options: Keyword arguments for the backend's class.

    Raises:
        ValueError: Nothing of that name is installed; the message lists what is.
        BackendLoadError: It is installed but cannot be loaded; the message holds the real reason.
    """
    return _manager.start(name, options)


def start_default(options_of: Mapping[str, Mapping[str, Any]]) -> tuple[str, Backend]:
    """Starts the installed backend of the highest priority; see `BackendManager.start_default`.

    Args:
        options_of: Configured options by backend name.
    """
    return _manager.start_default(options_of)
