"""Checks that a class fulfils the backend contract before anything relies on it."""

from __future__ import annotations

import inspect
import re

from cornu.backend.contract import CONTRACT_VERSION

_METHODS = ("supports", "from_numpy", "to_numpy", "compile")


def contracts_agree(required: str, offered: str) -> bool:
    """Tells whether a backend written for contract `offered` works with a core of contract `required`.

    The major versions must be equal: a minor one only adds what has a default.

    Args:
        required: The core's contract version.
        offered: The backend's.

    Raises:
        ValueError: One of them is not of the form `major.minor`.

    Example:
        >>> contracts_agree("1.2", "1.0"), contracts_agree("1.0", "1.1.3"), contracts_agree("1.0", "0.9")
        (True, True, False)
    """
    return _major(required) == _major(offered)


def check_backend_class(backend: object) -> type:
    """Returns the class unchanged if it fulfils the contract as far as can be told without an instance.

    Args:
        backend: What an entry point or `register_backend` provided.

    Raises:
        TypeError: It is not a class, or something that the contract requires is absent; all of it is named.
        ValueError: It was written for another contract version.
    """
    if not inspect.isclass(backend):
        raise TypeError(f"a backend must be a class, not {backend!r}")
    contract = getattr(backend, "contract", None)
    if not isinstance(contract, str):
        raise TypeError(
            f"{backend.__qualname__}.contract must be a string such as {CONTRACT_VERSION!r}, not {contract!r}"
        )
    if not contracts_agree(CONTRACT_VERSION, contract):
        raise ValueError(
            f"{backend.__qualname__} was written for backend contract {contract}; "
            f"this Cornu has contract {CONTRACT_VERSION}"
        )
    priority = getattr(backend, "priority", None)
    if not isinstance(priority, int):
        raise TypeError(f"{backend.__qualname__}.priority must be an integer, not {priority!r}")
    # A class that forwards by __getattr__ shows its methods only on an instance; calling them will tell.
    forwards = hasattr(backend, "__getattr__")
    missing = [name for name in _METHODS if not forwards and not callable(getattr(backend, name, None))]
    if missing:
        raise TypeError(f"{backend.__qualname__} lacks what the backend contract requires: {', '.join(missing)}")
    return backend


def _major(version: str) -> int:
    match = re.match(r"(\d+)\.(\d+)(\.|$)", version)
    if match is None:
        raise ValueError(
            f"a contract version has the form 'major.minor', such as {CONTRACT_VERSION!r}, not {version!r}"
        )
    return int(match[1])
