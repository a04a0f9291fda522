"""The backend class."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from cornu.backend.config import passes_are_on
from cornu.backend.contract import Buffer, CompileOptions, Executable
from cornu.ir.program import Program

from cornu_onnxruntime.arena import share_arena
from cornu_onnxruntime.binding import InPlace
from cornu_onnxruntime.buffers import make_device, refer, to_array, to_buffer
from cornu_onnxruntime.errors import backend_error
from cornu_onnxruntime.executable import OnnxRuntimeExecutable
from cornu_onnxruntime.extension import Kernels, installed, required
from cornu_onnxruntime.known_failures import KNOWN_FAILURES
from cornu_onnxruntime.lowering import claims
from cornu_onnxruntime.model import Model
from cornu_onnxruntime.profile import SessionProfile
from cornu_onnxruntime.providers import (
    CPU,
    Place,
    Provider,
    choose_providers,
    default_device,
    devices_of,
    first_on_host,
    for_session,
    not_starting,
    parse_device,
    providers_on,
)
from cornu_onnxruntime.sized import SizedExecutable, gains_from_sizes
from cornu_onnxruntime.stored import model_of
from cornu_onnxruntime.support import runs_natively
from cornu_onnxruntime.threads import share_threads, threads_are_shared

OPTIMIZATION_LEVELS = ("disable", "basic", "extended", "layout", "all")
_SLOW_ON_HOST = ("SkipLayerNormFusion",)
"""Fusions whose kernels for CPUs take longer than what they replace."""

_QUIET = 4


class OnnxRuntimeBackend:
    """Runs programs on ONNX Runtime: each becomes one ONNX model, tensors stay on the device between programs.

    All sessions share one pool of threads (`share_threads=False` gives each its own).

    Args:
        providers: Execution providers in order of preference: names, or pairs of a name and the provider's options.
            The CPU's is the default, and runs what the others lack; with a device `cuda`, CUDA's is.
        threads: Threads that work on one operator; None for the number of physical cores. With shared threads it
            holds for the whole process and cannot change later.
        inter_op_threads: Threads that run independent operators at once; 1 runs them one after the other.
        optimization_level: How much ONNX Runtime rewrites a model: "disable", "basic", "extended", "layout" or "all".
        fallback: Whether a provider that is not available or cannot start is left out with a warning; otherwise it is
            an error.
        share_threads: Whether sessions use one pool of the process.
        kernels: Whether to use the custom operators of an installed distribution such as cornu-kernels: None where
            there are some, True to demand them.
        session_config: Further entries of ONNX Runtime's session configuration, by its own keys.

    Raises:
        ValueError: If a provider is not available or cannot start, an option has no such value, or the pool of
            threads exists with other sizes.
        ImportError: If onnxruntime is not installed.

    Example:
        >>> backend = OnnxRuntimeBackend(threads=2)
        >>> buffer = backend.from_numpy(np.ones(3, np.float32), "")
        >>> backend.to_numpy(buffer).tolist()
        [1.0, 1.0, 1.0]
    """

    contract = "1.0"
    priority = 20
    name = "onnxruntime"
    known_failures = KNOWN_FAILURES

    def __init__(
        self,
        providers: Sequence[Provider] | None = None,
        threads: int | None = None,
        inter_op_threads: int = 1,
        optimization_level: str = "all",
        fallback: bool = False,
        share_threads: bool = True,
        kernels: bool | None = None,
        session_config: Mapping[str, str] | None = None,
    ) -> None:
        import onnxruntime
        from onnxruntime.capi import _pybind_state

        if optimization_level not in OPTIMIZATION_LEVELS:
            raise ValueError(
                f"optimization_level is one of {', '.join(OPTIMIZATION_LEVELS)}, got {optimization_level!r}."
            )
        for option, value in (("threads", threads), ("inter_op_threads", inter_op_threads)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{option} is a positive number, got {value!r}.")
        self._runtime = onnxruntime
        self._native = _pybind_state
        self._available = list(onnxruntime.get_available_providers())
        self._named = providers is not None
        self._providers = choose_providers(providers, self._available, fallback)
        self._threads = threads or 0
        self._inter_op_threads = inter_op_threads
        self._level = optimization_level
        self._config = dict(session_config or {})
        self._share_threads = share_threads
        self._kernels_wanted = kernels
        self._kernels: Kernels | None = required() if kernels else None
        self._places: dict[str, Place] = {}
        self._host = make_device(_pybind_state, "cpu", 0)
        self._run_options = onnxruntime.RunOptions()
        self._run_options.log_severity_level = _QUIET
        self._prepare_threads()
        self._leave_out_what_cannot_start(fallback)
        self._default_device = default_device(self._providers)

    def _prepare_threads(self) -> None:
        if self._share_threads:
            share_threads(self._threads, self._inter_op_threads)
        elif threads_are_shared():
            raise ValueError(
                "Sessions share their threads in this process already; share_threads=False comes too late."
            )

    def _leave_out_what_cannot_start(self, fallback: bool) -> None:
        if [name for name, _ in self._providers] == [CPU]:
            return
        for name in not_starting(self._runtime, self._providers, self._session_options()):
            if not fallback:
                raise ValueError(_cannot_start(name) + " Pass fallback=True to go on without it.")
            warnings.warn(_cannot_start(name), stacklevel=3)
            self._providers = [entry for entry in self._providers if entry[0] != name]

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """The installed runtime's version, providers and kinds of devices."""
        import onnxruntime

        providers = list(onnxruntime.get_available_providers())
        try:
            installed = version("onnxruntime")
        except PackageNotFoundError:
            installed = str(onnxruntime.__version__)
        return {"version": installed, "providers": providers, "devices": devices_of(providers)}

    # -- the contract --------------------------------------------------------------------------------------------

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        """Whether the CPU provider has a kernel, and one that computes what the primitive means.

        Other providers hand what they lack to the CPU's, so that the answer holds for every device.
        """
        return runs_natively(op, dtypes, attributes) or (self._lowers(device) and claims(op, dtypes, attributes))

    def from_numpy(self, array: np.ndarray, device: str) -> Buffer:
        """Copies an array to the device.

        Args:
            array: The array, of any dtype of `cornu.ir.types.DTYPES`.
            device: `cpu`, `cuda`, `cuda:N`, or `""` for the first provider's.

        Raises:
            ValueError: If there is no such device.
        """
        return to_buffer(self._native, array, self._place(device).device)

    def to_numpy(self, buffer: Buffer) -> np.ndarray:
        """Copies a buffer to a new array on the host."""
        return to_array(self._native, buffer, self._host)

    def compile(self, program: Program, options: CompileOptions) -> Executable:
        """Makes a session of a program.

        Args:
            program: A program of nodes that `supports` allows.
            options: The device, and whether sessions measure their nodes.

        Raises:
            BackendError: If ONNX Runtime refuses the model.
        """
        place, lowers = self._place(options.device), self._lowers(options.device)
        if lowers and gains_from_sizes(program):
            return SizedExecutable(
                program, lambda program, sizes: self._compile(program, sizes, place, lowers, options.profile)
            )
        return self._compile(program, None, place, lowers, options.profile)

    # -- inside --------------------------------------------------------------------------------------------------

    def _compile(
        self, program: Program, sizes: Mapping[str, int] | None, place: Place, lowers: bool, profile: bool
    ) -> OnnxRuntimeExecutable:
        kernels = self._custom_operators() if lowers else None
        model = model_of(program, sizes, lowers, kernels)
        session, measured = None, None
        if model.output_names:
            settings = self._session_options()
            if kernels is not None:
                settings.register_custom_ops_library(str(kernels.library))
            measured = SessionProfile(settings) if profile else None
            kept = [refer(self._runtime, array) for array in model.arrays.values()]
            if kept:
                settings.add_external_initializers(list(model.arrays), kept)
            session = self._session(model.proto, settings, model.origins, place)
        return OnnxRuntimeExecutable(
            program.name,
            session,
            self._run_options,
            model.input_names,
            model.output_names,
            model.outputs,
            model.origins,
            list(model.arrays.values()),
            None if place.on_host else place.device,
            measured,
            self._updates_in_place(session, model),
        )

    def _updates_in_place(self, session: Any, model: Model) -> InPlace | None:
        if not model.in_place:
            return None
        return InPlace(session, self._run_options, model.input_names, model.output_names, model.in_place, self._host)

    def _custom_operators(self) -> Kernels | None:
        if self._kernels is None and self._kernels_wanted is None:
            self._kernels = installed()
        return self._kernels

    def _session(self, model: bytes, settings: Any, origins: Mapping[str, tuple[str, str]], place: Place) -> Any:
        options: dict[str, Any] = {"providers": for_session(place.providers), "enable_fallback": 0}
        if place.on_host:
            options["disabled_optimizers"] = [*_SLOW_ON_HOST]
        try:
            outer = self._runtime.InferenceSession(model, settings, **options)
        except Exception as error:
            raise backend_error(error, origins) from error
        # The wrapper adds checks to every run, and keeps the model's bytes.
        return outer._sess

    def _session_options(self) -> Any:
        settings = self._runtime.SessionOptions()
        settings.log_severity_level = _QUIET
        level = {"disable": "DISABLE_ALL"}.get(self._level, f"ENABLE_{self._level.upper()}")
        settings.graph_optimization_level = getattr(self._runtime.GraphOptimizationLevel, f"ORT_{level}")
        if self._share_threads:
            settings.use_per_session_threads = False
        else:
            settings.intra_op_num_threads = self._threads
            settings.inter_op_num_threads = self._inter_op_threads
        if self._inter_op_threads > 1:
            settings.execution_mode = self._runtime.ExecutionMode.ORT_PARALLEL
        share_arena(self._runtime, settings)
        for key, value in self._config.items():
            settings.add_session_config_entry(key, value)
        return settings

    def _lowers(self, device: str) -> bool:
        """Whether programs take fast forms: those of the CPU provider, to which another one would hand half of them."""
        return passes_are_on() and (device or self._default_device) == "cpu" and first_on_host(self._providers) == CPU

    def _place(self, device: str) -> Place:
        device = device or self._default_device
        if device not in self._places:
            providers = providers_on(device, self._providers, self._named, self._available)
            kind, number = parse_device(device)
            if providers != self._providers:
                for name in not_starting(self._runtime, providers, self._session_options()):
                    raise ValueError(f"There is no device {device!r}: " + _cannot_start(name))
            self._places[device] = Place(make_device(self._native, kind, number), kind == "cpu", providers)
        return self._places[device]


def _cannot_start(name: str) -> str:
    return (
        f"The provider {name!r} cannot start here. ONNX Runtime says why on standard error: often its libraries, or "
        "a GPU that they fit, are missing."
    )
