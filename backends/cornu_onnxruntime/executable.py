"""A compiled program: one session, run from buffers to buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu.backend.contract import BackendError, Buffer, NodeEvent

from cornu_onnxruntime.binding import InPlace
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
        in_place: How to run it so that updates overwrite donated inputs, where it has such.
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
        in_place: InPlace | None = None,
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
        self._in_place = in_place
        self._closed = False

    def __call__(self, inputs: Sequence[Buffer], donate: frozenset[int] = frozenset()) -> list[Buffer]:
        """Runs the program.

        Outputs are new buffers, except that an output which is an input is that input's buffer. Donated buffers are
        only written to by custom operators that allow it: ONNX Runtime's own compute wrong results where an output
        lies on their input. Dropping the buffers gives their memory back, and the caller does that.

        Args:
            inputs: One buffer per input of the program.
            donate: Positions of buffers that updates may overwrite.

        Raises:
            BackendError: If ONNX Runtime fails, or the executable is closed.
        """
        if self._closed:
            raise BackendError(f"The executable of {self._name} is closed.")
        if len(inputs) != len(self._input_names):
            raise BackendError(f"{self._name} takes {len(self._input_names)} inputs, got {len(inputs)}.")
        if self._session is None:
            return [inputs[i] for _, i in self._outputs]
        written = self._in_place.written(inputs, donate) if donate and self._in_place else frozenset()
        try:
            results = self._in_place.run(inputs, written) if self._in_place and written else self._run(inputs)
        except Exception as error:
            raise backend_error(error, self._origins, written) from error
        # Indexing: iterating over ONNX Runtime's vector costs 25 µs to begin with.
        if self._straight:
            return [results[i] for i in range(len(self._output_names))]
        found = [results[i] for i in range(len(self._output_names))]
        return [found[i] if computed else inputs[i] for computed, i in self._outputs]

    def _run(self, inputs: Sequence[Buffer]) -> Any:
        if self._devices is not None:
            return self._run_on_device(inputs, self._devices)
        given = dict(zip(self._input_names, inputs, strict=True))
        return self._session.run_with_ort_values(given, self._output_names, self._run_options)

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
