"""The import hook: modules of the names of Keras and TensorFlow whose contents are Cornu's."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from cornu.alias import names, tensorflow

ROOTS = ("keras", "tf_keras", "tensorflow")


class AliasModule(ModuleType):
    """A module under one of Keras's names; what it holds is looked up in Cornu at each access.

    Args:
        name: The name under which it was imported.
        path: Keras's name for it without `keras.`; empty for `keras` itself.
    """

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, f"{name}: served by Cornu.")
        self.__dict__["_cornu_path"] = path
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return names.exported(self.__dict__["_cornu_path"])
        path = self.__dict__["_cornu_path"]
        if names.is_module(_join(path, name)):
            return import_module(f"{self.__name__}.{name}")
        try:
            return names.lookup(path, name)
        except AttributeError:
            raise AttributeError(missing(self.__name__, path, name), name=name, obj=self) from None

    def __dir__(self) -> list[str]:
        return names.listing(self.__dict__["_cornu_path"])


class TensorFlowModule(ModuleType):
    """`tensorflow`, or the part of it that has Keras's meaning.

    Args:
        name: The name under which it was imported, such as `tensorflow.random`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, f"{name}: what Keras scripts use of it, served by Cornu.")
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        full = f"{self.__name__}.{name}"
        if tensorflow.is_module(full):
            return import_module(full)
        try:
            return tensorflow.lookup(full)
        except LookupError:
            raise AttributeError(tensorflow.advice(full), name=name, obj=self) from None

    def __dir__(self) -> list[str]:
        return tensorflow.listing(self.__name__)


class AliasFinder(MetaPathFinder, Loader):
    """Finds the modules of `ROOTS`; all other imports go their way."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that Cornu serves, or None for a name that is none of its business.

        Args:
            fullname: The module's name.
            path: The parent's search path; the names here have none.
            target: A module to reload.

        Raises:
            ImportError: The name is Keras's or TensorFlow's and Cornu has nothing under it; the message tells what to
                use.
        """
        root = fullname.partition(".")[0]
        if root not in ROOTS:
            return None
        keras = tensorflow.keras_path(fullname)
        if keras is None:
            if not tensorflow.is_module(fullname):
                raise ImportError(tensorflow.advice(fullname), name=fullname)
        elif not names.is_module(keras):
            parent, _, name = fullname.rpartition(".")
            raise ImportError(missing(parent, keras.rpartition(".")[0], name), name=fullname)
        return ModuleSpec(fullname, self, origin="cornu.alias", is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Makes the module of a spec.

        Args:
            spec: What `find_spec` returned.
        """
        path = tensorflow.keras_path(spec.name)
        return TensorFlowModule(spec.name) if path is None else AliasModule(spec.name, path)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing runs: the contents are looked up when they are used.

        Args:
            module: The module.
        """


def missing(module: str, path: str, name: str) -> str:
    """What to say about a name that Cornu does not have.

    Args:
        module: The module that was asked, as it was imported.
        path: Keras's name for it without `keras.`.
        name: The name.
    """
    if path.partition(".")[0] == "src" or name == "src":
        return f"Cornu has no {module}.{name}: keras.src is Keras's private code; use the public name under keras."
    close = get_close_matches(name, names.listing(path), n=3)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return f"Cornu has no {module}.{name}.{hint}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
