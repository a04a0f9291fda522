"""Choosing execution providers and devices."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, TypeAlias

Provider: TypeAlias = str | tuple[str, Mapping[str, Any]]
Chosen: TypeAlias = list[tuple[str, dict[str, Any]]]

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
_DEVICES = {CUDA: "cuda", "TensorrtExecutionProvider": "cuda"}


def choose_providers(wanted: Sequence[Provider] | None, available: Sequence[str], fallback: bool) -> Chosen:
    """The providers to use, in order of preference, each with its options; the CPU's is always the last resort.

    Args:
        wanted: Names, or pairs of a name and the provider's own options; None for the CPU.
        available: What this build of ONNX Runtime has.
        fallback: Whether to leave out, with a warning, what is not available.

    Raises:
        ValueError: If something wanted is not available.
    """
    chosen: Chosen = []
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


@dataclass(frozen=True)
class Place:
    """A device, and what runs programs there.

    Args:
        device: ONNX Runtime's handle of it.
        on_host: Whether its memory is the host's.
        providers: The providers, each with its options.
    """

    device: Any
    on_host: bool
    providers: Chosen


def providers_on(device: str, chosen: Chosen, named: bool, available: Sequence[str]) -> Chosen:
    """The providers that run programs on a device; their own options say which one of its kind.

    Args:
        device: `cpu`, `cuda` or `cuda:N`.
        chosen: The backend's providers.
        named: Whether somebody named them; a GPU is otherwise used by CUDA's provider where there is one.
        available: What this build of ONNX Runtime has.

    Raises:
        ValueError: If none of them uses such a device.
    """
    kind, number = parse_device(device)
    if kind == "cpu":
        return [entry for entry in chosen if entry[0] not in _DEVICES]
    if not named and CUDA in available:
        chosen = [(CUDA, {}), *chosen]
    if kind not in devices_of([name for name, _ in chosen]):
        hint = f"name one, as in providers=[{CUDA!r}]" if CUDA in available else "onnxruntime-gpu is the one for GPUs"
        raise ValueError(
            f"There is no device {device!r} with {', '.join(name for name, _ in chosen)}. This ONNX Runtime has "
            f"{', '.join(available)}; {hint}."
        )
    return [
        (name, {**options, "device_id": number} if _DEVICES.get(name) == kind else options) for name, options in chosen
    ]


def not_starting(runtime: Any, providers: Chosen, settings: Any) -> list[str]:
    """Which providers cannot start here; ONNX Runtime leaves those out and says so on standard error only.

    Args:
        runtime: The runtime.
        providers: The providers, each with its options.
        settings: The options of the session that is started for it.

    Raises:
        ValueError: If ONNX Runtime cannot start a session at all, as with options that a provider lacks.
    """
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Exp", ["x"], ["y"])], "probe", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    names = [name for name, _ in providers]
    if any(name in _DEVICES for name in names) and hasattr(runtime, "preload_dlls"):
        # Finds CUDA's libraries where pip installs them; what it prints of those that are elsewhere misleads.
        with redirect_stdout(io.StringIO()):
            runtime.preload_dlls()
    try:
        session = runtime.InferenceSession(
            model.SerializeToString(), settings, providers=for_session(providers), enable_fallback=0
        )
    except Exception as error:
        raise ValueError(f"ONNX Runtime cannot start {', '.join(names)}: {error}") from error
    started = session.get_providers()
    return [name for name in names if name not in started]


def for_session(providers: Chosen) -> list[Any]:
    """Providers in the form that sessions take."""
    return [name if not options else (name, options) for name, options in providers]


def default_device(providers: Chosen) -> str:
    """Where the first provider keeps its tensors: `cpu`, `cuda:0`, ..."""
    name, options = providers[0]
    kind = _DEVICES.get(name, "cpu")
    return kind if kind == "cpu" else f"{kind}:{options.get('device_id', 0)}"


def first_on_host(providers: Chosen) -> str:
    """The first provider whose tensors lie in the host's memory."""
    return next(name for name, _ in providers if name not in _DEVICES)


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
