"""Choosing execution providers and devices."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Provider: TypeAlias = str | tuple[str, Mapping[str, Any]]

CPU = "CPUExecutionProvider"
_DEVICES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda"}


def choose_providers(
    wanted: Sequence[Provider] | None, available: Sequence[str], fallback: bool
) -> list[tuple[str, dict[str, Any]]]:
    """The providers to use, in order of preference, each with its options; the CPU's is always the last resort.

    Args:
        wanted: Names, or pairs of a name and the provider's own options; None for the CPU.
        available: What this build of ONNX Runtime has.
        fallback: Whether to leave out, with a warning, what is not available.

    Raises:
        ValueError: If something wanted is not available.
    """
    chosen: list[tuple[str, dict[str, Any]]] = []
    for provider in wanted if wanted is not None else [CPU]:
        name, options = (provider, {}) if isinstance(provider, str) else (provider[0], dict(provider[1]))
        if name in available:
            chosen.append((name, options))
        elif fallback:
            warnings.warn(f"{name} is not available here; ONNX Runtime has {', '.join(available)}.", stacklevel=4)
        else:
            raise ValueError(
                f"The provider {name!r} is not available: this ONNX Runtime has {', '.join(available)}. "
                "Pass fallback=True to go on without it."
            )
    if CPU not in [name for name, _ in chosen]:
        chosen.append((CPU, {}))
    return chosen


def default_device(providers: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """Where the first provider keeps its tensors: `cpu`, `cuda:0`, ..."""
    name, options = providers[0]
    kind = _DEVICES.get(name, "cpu")
    return kind if kind == "cpu" else f"{kind}:{options.get('device_id', 0)}"


def devices_of(providers: Sequence[str]) -> list[str]:
    """The kinds of devices that some providers can use."""
    return list(dict.fromkeys([*(_DEVICES[name] for name in providers if name in _DEVICES), "cpu"]))


def parse_device(device: str) -> tuple[str, int]:
    """`cuda:1` as `("cuda", 1)`.

    Raises:
        ValueError: If it is not of the form `cpu`, `cuda` or `cuda:N`.
    """
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or not (number.isdigit() or not number):
        raise ValueError(f"A device of ONNX Runtime is 'cpu', 'cuda' or 'cuda:N', got {device!r}.")
    return kind, int(number or 0)
