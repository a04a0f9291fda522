"""Runs in which some outputs are written where donated inputs lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from cornu.backend.contract import Buffer


class InPlace:
    """A session whose updates overwrite what they update. Threads may run it at once.

    What is bound stays bound: a step that updates the same buffers as the one before only binds its other operands.

    Args:
        session: ONNX Runtime's session.
        run_options: What its runs are given.
        input_names: Its inputs.
        output_names: Its outputs.
        places: For outputs that may lie on an input, that input's position.
        device: ONNX Runtime's handle of the device for the other outputs.
    """

    def __init__(
        self,
        session: Any,
        run_options: Any,
        input_names: Sequence[str],
        output_names: Sequence[str],
        places: Mapping[int, int],
        device: Any,
    ) -> None:
        self._session = session
        self._run_options = run_options
        self._input_names = input_names
        self._output_names = output_names
        self._places = places
        self._overwritten = frozenset(places.values())
        self._device = device
        self._idle: list[_Bound] = []

    def written(self, inputs: Sequence[Buffer], donate: frozenset[int]) -> frozenset[int]:
        """The positions of the inputs that a run overwrites: those that are donated, and no other input, too."""
        written = donate & self._overwritten
        if written and len(set(map(id, inputs))) < len(inputs):
            times = Counter(map(id, inputs))
            return frozenset(i for i in written if times[id(inputs[i])] == 1)
        return written

    def run(self, inputs: Sequence[Buffer], written: frozenset[int]) -> list[Buffer]:
        """Runs the session; outputs that lie on an input are that input's buffer.

        Args:
            inputs: One buffer per input.
            written: What `written` told.
        """
        bound = self._idle.pop() if self._idle else None
        if bound is None or bound.written != written:
            bound = _Bound(self._session, self._input_names, self._output_names, self._places, written)
        bound.bind(inputs, self._device)
        self._session.run_with_iobinding(bound.binding, self._run_options)
        results = bound.results(inputs)
        self._idle.append(bound)
        return results


class _Bound:
    """A binding for runs that overwrite certain inputs, and what it holds."""

    def __init__(
        self,
        session: Any,
        input_names: Sequence[str],
        output_names: Sequence[str],
        places: Mapping[int, int],
        written: frozenset[int],
    ) -> None:
        from onnxruntime.capi._pybind_state import SessionIOBinding

        self.binding = SessionIOBinding(session)
        self.written = written
        self._updates = sorted((i, output_names[k]) for k, i in places.items() if i in written)
        self._made = [(k, name) for k, name in enumerate(output_names) if places.get(k) not in written]
        self._sources = [places[k] if places.get(k) in written else 0 for k in range(len(output_names))]
        self._others = [(i, name) for i, name in enumerate(input_names) if i not in written]
        self._names = input_names
        # Most inputs are state that stays where it is from step to step: found out without a loop over them.
        self._state = itemgetter(*(i for i, _ in self._updates), 0)
        self._held: tuple[Buffer, ...] = (None,) * len(self._updates)

    def bind(self, inputs: Sequence[Buffer], device: Any) -> None:
        """Binds what is another than in the run before."""
        state = self._state(inputs)[:-1]
        binding = self.binding
        if state != self._held:
            for (i, name), buffer, held in zip(self._updates, state, self._held, strict=True):
                if buffer is not held:
                    binding.bind_ortvalue_input(self._names[i], buffer)
                    binding.bind_ortvalue_output(name, buffer)
            self._held = state
        for i, name in self._others:
            binding.bind_ortvalue_input(name, inputs[i])
        for _, name in self._made:
            binding.bind_output(name, device)

    def results(self, inputs: Sequence[Buffer]) -> list[Buffer]:
        """The outputs of the run that has ended."""
        results = [inputs[i] for i in self._sources]
        # ONNX Runtime has the outputs in the order in which they were bound first.
        found = self.binding.get_outputs()
        for place, (k, _) in enumerate(self._made, len(self._updates)):
            results[k] = found[place]
        return results
