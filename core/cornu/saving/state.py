"""Writing the state of all parts of a model to a file, and reading it back."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cornu.saving.hdf5 import H5Reader, H5Writer
from cornu.saving.walk import items, join, kind_of, parts


class StateWriter:
    """Writes the variables and assets of an object and its parts, each once.

    Args:
        variables: The file for variables.
        assets: A folder for files of objects that have `save_assets`, or None to leave them out.
        skip: Objects to leave out, with all below them.
    """

    def __init__(self, variables: H5Writer, assets: Path | None = None, skip: Iterable[Any] = ()) -> None:
        self.variables = variables
        self.assets = assets
        self._seen = {id(obj): obj for obj in skip}

    def write(self, obj: Any, path: str = "") -> None:
        """Writes `obj` at a path and its parts below."""
        if id(obj) in self._seen:
            return
        self._seen[id(obj)] = obj
        self._own(obj, path)
        for name, value in parts(obj):
            self._part(value, join(path, name))

    def _part(self, value: Any, path: str) -> None:
        if kind_of(value) is not None:
            self.write(value, path)
        elif id(value) not in self._seen:
            self._seen[id(value)] = value
            for name, item in items(value):
                self._part(item, join(path, name))

    def _own(self, obj: Any, path: str) -> None:
        name = getattr(obj, "name", None)
        name = name if isinstance(name, str) else None
        if hasattr(obj, "save_own_variables"):
            obj.save_own_variables(self.variables.variables(path, name))
        elif kind_of(obj) == "SeedGenerator":
            # Keras does not store this; without it, a run continued from a file would draw other numbers.
            self.variables.variables(path, name)["0"] = np.asarray(obj.state)
        if self.assets is not None and hasattr(obj, "save_assets"):
            folder = self.assets / path
            folder.mkdir(parents=True, exist_ok=True)
            obj.save_assets(str(folder))


class StateReader:
    """Reads the variables and assets of an object and its parts, collecting what fails.

    Args:
        variables: The file with variables.
        assets: The folder with assets, or None.
        skip: Objects to leave as they are, with all below them.
    """

    def __init__(self, variables: H5Reader, assets: Path | None = None, skip: Iterable[Any] = ()) -> None:
        self.variables = variables
        self.assets = assets
        self.failed: dict[int, tuple[Any, str, Exception]] = {}
        self._done = {id(obj): obj for obj in skip}
        self._active: set[int] = set()

    def read(self, obj: Any, path: str = "") -> None:
        """Reads `obj` from a path and its parts from below it."""
        if id(obj) in self._done or id(obj) in self._active:
            return
        self._active.add(id(obj))
        try:
            own = self._own(obj, path) if self._worth_trying(obj, path) else self.failed[id(obj)][2]
            failures = len(self.failed)
            for name, value in parts(obj):
                self._part(value, join(path, name))
        finally:
            self._active.discard(id(obj))
        # An object that failed here may be found again under another path.
        if own is None:
            self.failed.pop(id(obj), None)
            if len(self.failed) <= failures:
                self._done[id(obj)] = obj
        else:
            self.failed.setdefault(id(obj), (obj, path, own))

    def _worth_trying(self, obj: Any, path: str) -> bool:
        """An object that failed is tried again only where the file has something for it."""
        return id(obj) not in self.failed or self.variables.group(path) is not None

    def _part(self, value: Any, path: str) -> None:
        if kind_of(value) is not None:
            self.read(value, path)
        elif id(value) not in self._active:
            self._active.add(id(value))
            for name, item in items(value):
                below = join(path, name)
                if name.startswith("container") and self.variables.group(below) is None:
                    self._unsaved(item, below)
                else:
                    self._part(item, below)
            self._active.discard(id(value))

    def _unsaved(self, container: Any, path: str) -> None:
        """Older versions of Keras did not write containers in containers."""
        before = dict(self.failed)
        self._part(container, path)
        if len(self.failed) > len(before):
            self.failed = before
            warnings.warn(
                f"{self.variables.name} has nothing under {path}: the version of Keras that wrote it left out layers "
                "in nested containers. They keep their initial weights.",
                stacklevel=2,
            )

    def _own(self, obj: Any, path: str) -> Exception | None:
        try:
            if kind_of(obj) == "Optimizer" and restore_unbuilt(obj, self._stored(path)):
                return None
            if hasattr(obj, "load_own_variables"):
                obj.load_own_variables(self._stored(path))
            elif kind_of(obj) == "SeedGenerator":
                self._seed(obj, path)
            if self.assets is not None and hasattr(obj, "load_assets"):
                folder = self.assets / path
                obj.load_assets(str(folder) if folder.is_dir() else None)
        except Exception as error:
            return error
        return None

    def _stored(self, path: str) -> Any:
        found = self.variables.variables(path)
        if len(found) == 0 and "layers" in path:
            # Keras 2.13 kept the layers of a model under this name.
            return self.variables.variables(path.replace("layers", "_layer_checkpoint_dependencies"))
        return found

    def _seed(self, generator: Any, path: str) -> None:
        stored = self.variables.variables(path)
        if "0" in stored and stored["0"].shape == tuple(generator.state.shape):
            generator.state.assign(stored["0"])

    def report(self, warn_only: bool = False) -> None:
        """Says what could not be read.

        Args:
            warn_only: Whether to warn instead of raising.

        Raises:
            ValueError: If anything failed.
        """
        if not self.failed:
            return
        lines = [
            f"  {_describe(obj)}{f' at {path!r}' if path else ''}: {error}" for obj, path, error in self.failed.values()
        ]
        message = f"{self.variables.name}: {len(lines)} object(s) could not be loaded:\n" + "\n".join(lines)
        if warn_only:
            warnings.warn(message, stacklevel=3)
        else:
            raise ValueError(message) from next(iter(self.failed.values()))[2]


def restore_unbuilt(optimizer: Any, stored: Any) -> bool:
    """Reads the state of an optimizer that was saved before its first step, when it had no slots yet.

    Args:
        optimizer: The optimizer, with slots.
        stored: Its arrays under "0", "1", ...

    Returns:
        False if this was not the case; then nothing is changed.
    """
    if not 0 < len(stored) < len(optimizer.variables) or "0" not in stored or np.any(stored["0"]):
        return False
    arrays = [stored[str(number)] for number in range(len(stored))]
    if any(array.shape != () for array in arrays):
        return False
    for variable, array in zip(optimizer.variables, arrays, strict=False):
        variable.assign(array)
    return True


def _describe(obj: Any) -> str:
    return f"{type(obj).__name__} {getattr(obj, 'name', '')!r}"
