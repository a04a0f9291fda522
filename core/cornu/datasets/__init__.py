"""Data sets to learn with. `digits` is shipped; the others are found on this machine or downloaded once.

A file is taken from the first of these that has it: the folders in `$CORNU_DATASETS`, `$CORNU_HOME/datasets`
(`~/.cornu/datasets`), Keras's cache (`$KERAS_HOME/datasets` or `~/.keras/datasets`), a folder of the operating system,
and last the network. What plugins offer is here too, under its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cornu.lazy import lazy_names

if TYPE_CHECKING:
    from cornu.datasets import (
        boston_housing,
        california_housing,
        cifar10,
        cifar100,
        digits,
        fashion_mnist,
        imdb,
        mnist,
        reuters,
    )

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

_get, __dir__ = lazy_names(__name__, {}, __all__)


def __getattr__(name: str) -> Any:
    if name in __all__ or name.startswith("_"):
        return _get(name)
    from cornu import plugins

    found = plugins.find("datasets", name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}, and no plugin offers it as a data set")
    return found
