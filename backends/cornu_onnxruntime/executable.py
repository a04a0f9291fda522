"""A compiled program: one session, run from buffers to buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu.backend.contract import BackendError, Buffer, NodeEvent

from cornu_onnxruntime.errors import backend_error
from cornu_onnxruntime.profile import SessionProfile


class OnnxRuntimeExecutable:
    """A program as an ONNX Runtime session. It keeps no state, and threads may call it at once.

    Args:
        name: The program's name.
        session: ONNX Runtime's session, or None where every output is an input.
        run_options: What its runs are given.
        input_names: The session's inputs in the program's order.
        output_names: The session's outputs.
        outputs: For each output of the program, `(True, i)` for the session's i-th output or `(False, i)` for the
            program's own i-th input.
        origins: The operator and layer of each node of the model.
        keep: What must live as long as the session.
        device: ONNX Runtime's handle of the device that outputs stay on; None for the host.
        measured: What reads the session's own measurements, where it makes them.
    """

    def __init__(
        self,
        name: str,
        session: Any,
        run_options: Any,
        input_names: Sequence[str],
        output_names: Sequence[str],
        outputs: Sequence[tuple[bool, int]],
        origins: Mapping[str, tuple[str, str]],
        keep: Any,
        device: Any = None,
        measured: SessionProfile | None = None,
    ) -> None:
        self._name = name
        self._session = session
        self._run_options = run_options
        self._input_names = tuple(input_names)
        self._output_names = list(output_names)
        self._outputs = tuple(outputs)
        self._straight = outputs == [(True, i) for i in range(len(output_names))]
        self._origins = origins
        self._keep = keep
        self._devices = None if device is None else [device] * len(output_names)
        self._measured = measured
        self._closed = False

    def __call__(self, inputs: Sequence[Buffer], donate: frozenset[int] = frozenset()) -> list[Buffer]:
        """Runs the program.

        Outputs are new buffers, except that an output which is an input is that input's buffer. Donated buffers are
        never written to: ONNX Runtime computes wrong results where an output lies on its own input. Dropping them is
        what gives their memory back, and the caller does that.

        Args:
            inputs: One buffer per input of the program.
            donate: Permission that is not needed here.

        Raises:
            BackendError: If ONNX Runtime fails, or the executable is closed.
        """
        if self._closed:
            raise BackendError(f"The executable of {self._name} is closed.")
        if len(inputs) != len(self._input_names):
            raise BackendError(f"{self._name} takes {len(self._input_names)} inputs, got {len(inputs)}.")
        if self._session is None:
            return [inputs[i] for _, i in self._outputs]
        try:
            if self._devices is None:
                results = self._session.run_with_ort_values(
                    dict(zip(self._input_names, inputs, strict=True)), self._output_names, self._run_options
                )
            else:
                results = self._run_on_device(inputs, self._devices)
        except Exception as error:
            raise backend_error(error, self._origins) from error
        # Indexing: iterating over ONNX Runtime's vector costs 25 µs to begin with.
        if self._straight:
            return [results[i] for i in range(len(self._output_names))]
        found = [results[i] for i in range(len(self._output_names))]
        return [found[i] if computed else inputs[i] for computed, i in self._outputs]

    def _run_on_device(self, inputs: Sequence[Buffer], devices: Sequence[Any]) -> Any:
        """Runs the session so that results stay where they are computed; ONNX Runtime brings them to the host else."""
        from onnxruntime.capi._pybind_state import OrtValueVector

        given, results = OrtValueVector(), OrtValueVector()
        for value in inputs:
            given.push_back(value)
        self._session.run_with_ortvaluevector(
            self._run_options, self._input_names, given, self._output_names, results, devices
        )
        return results

    def profile(self) -> list[NodeEvent]:
        """What the nodes have cost since it was compiled, if that was asked for; it measures no more after that."""
        if self._measured is None or self._session is None:
            return []
        return self._measured.events(self._session, self._origins)

    def synchronize(self) -> None:
        """Returns at once: a run ends before the call returns."""

    def close(self) -> None:
        """Frees the session."""
        self._closed = True
        self._session = None
        self._keep = None
