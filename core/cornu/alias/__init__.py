"""Lets code that says `import keras` or `from tensorflow.keras import ...` get Cornu, for a while.

`with active():` does it for a block, `install()` until `uninstall()`, and `cornu run script.py` for one script. Real
Keras and TensorFlow, where they are installed, are out of sight meanwhile and come back afterwards. The names hold for
the whole process, so another thread that imports Keras in that time gets Cornu too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from cornu.alias.finder import ROOTS, AliasFinder

__all__ = ["active", "install", "is_installed", "uninstall"]

_FINDER = AliasFinder()
_hidden: dict[str, ModuleType] = {}


def is_installed() -> bool:
    """Whether the names lead to Cornu now."""
    return _FINDER in sys.meta_path


def install() -> None:
    """Makes `keras`, `tf_keras` and `tensorflow` lead to Cornu in this process; a second call changes nothing.

    Example:
        >>> cornu.alias.install()
        >>> from tensorflow.keras.layers import Dense
        >>> Dense is cornu.layers.Dense
        True
    """
    if is_installed():
        return
    _hidden.update(_take_modules())
    sys.meta_path.insert(0, _FINDER)


def uninstall() -> None:
    """Takes `install` back: the names mean again what they meant before."""
    if not is_installed():
        return
    sys.meta_path.remove(_FINDER)
    _take_modules()
    sys.modules.update(_hidden)
    _hidden.clear()


@contextmanager
def active() -> Iterator[None]:
    """Installs the names for a block; inside one that is already active it changes nothing.

    Example:
        >>> with cornu.alias.active():
        ...     import keras
        ...     keras.layers.Dense is cornu.layers.Dense
        True
    """
    if is_installed():
        yield
        return
    install()
    try:
        yield
    finally:
        uninstall()


def _take_modules() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] in ROOTS]
    return {name: sys.modules.pop(name) for name in names}
