"""What a check is, and what may come of it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from cornu.ir.passes.legalise import LegalisationError
from cornu.ir.program import Program

if TYPE_CHECKING:
    from cornu_conformance.subject import Subject


class Outcome(StrEnum):
    """What may come of a check."""

    PASSED = "passed"
    REFUSED = "refused"
    KNOWN = "known"
    FAILED = "failed"


class ConformanceError(AssertionError):
    """A backend does not do what the contract says.

    Args:
        message: What is wrong.
        program: The program that was run.
        inputs: What it was given.
        expected: What had to come out.
        actual: What came out.
    """

    def __init__(
        self,
        message: str,
        program: Program | None = None,
        inputs: Sequence[np.ndarray] = (),
        expected: Sequence[np.ndarray] = (),
        actual: Sequence[np.ndarray] = (),
    ) -> None:
        self.message = message
        self.program = program
        parts = [message]
        if program is not None:
            parts += ["program:", _indented(str(program))]
        for title, arrays in (("inputs", inputs), ("expected", expected), ("actual", actual)):
            if len(arrays):
                parts += [f"{title}:", *(_indented(show(array)) for array in arrays)]
        super().__init__("\n".join(parts))


def require(condition: object, message: str, program: Program | None = None, **arrays: Sequence[np.ndarray]) -> None:
    """Raises a `ConformanceError` where a condition does not hold."""
    if not condition:
        raise ConformanceError(message, program, **arrays)


def show(array: np.ndarray) -> str:
    """An array with its dtype and shape, abridged."""
    numbers = np.array2string(np.asarray(array), threshold=40, edgeitems=3, separator=", ")
    return f"{array.dtype}{list(array.shape)} {numbers}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


@dataclass(frozen=True)
class Example:
    """A program, what it is given, and what must come out.

    Args:
        program: The program as it was traced; the core prepares it for the backend.
        inputs: One array per input.
        expected: One array per output.
        tolerance: What the dtypes' tolerances are multiplied with.
        relative: Whether results near 0 must be as accurate as others.
    """

    program: Program
    inputs: Sequence[np.ndarray]
    expected: Sequence[np.ndarray]
    tolerance: float = 1.0
    relative: bool = False


@dataclass(frozen=True)
class Check:
    """One thing that a backend must do.

    Args:
        id: Its name, `level/what/details`.
        body: Does it with a backend; raises where it goes wrong.
        example: For what is one run of one program, what makes that.
        required: Whether it may not be refused, as every model needs it.
    """

    id: str
    body: Callable[[Subject], object]
    example: Callable[[], Example] | None = None
    required: bool = False

    @property
    def level(self) -> str:
        """The level that it belongs to."""
        return self.id.split("/", 1)[0]

    def run(self, subject: Subject) -> Result:
        """Runs the check on a backend.

        Args:
            subject: The backend under test.

        Returns:
            What came of it: passed, refused or failed (known failures are the caller's affair: `judge`).
        """
        begin = time.perf_counter()
        outcome, message = Outcome.PASSED, ""
        try:
            self.body(subject)
        except ConformanceError as failure:
            outcome, message = Outcome.FAILED, str(failure)
        except LegalisationError as error:
            outcome, message = self._refused(error)
        except Exception as error:
            outcome = Outcome.FAILED
            message = f"{type(error).__name__}: {error}\n{''.join(traceback.format_exception(error))}"
        result = Result(self.id, outcome, time.perf_counter() - begin, message)
        return result if outcome != Outcome.FAILED else replace(result, reproduction=self.reproduction(subject))

    def _refused(self, error: LegalisationError) -> tuple[Outcome, str]:
        if not _from_the_core(error):
            return Outcome.FAILED, f"the backend itself raised a LegalisationError, which is the core's: {error}"
        if self.required:
            return Outcome.FAILED, f"refused, but every model needs it: {error}"
        return Outcome.REFUSED, str(error)

    def reproduction(self, subject: Subject) -> str:
        """Five lines that show it outside the suite."""
        made = ", ".join([repr(subject.name), *(f"{k}={v!r}" for k, v in subject.arguments().items())])
        lines = ["from cornu_conformance import Subject, find_check", f"subject = Subject({made})"]
        if self.example is None:
            return "\n".join([*lines, f"print(find_check({self.id!r}).run(subject))"])
        return "\n".join(
            [
                *lines,
                f"example = find_check({self.id!r}).example()",
                "print(example.program, *example.inputs, 'must give', *example.expected, sep='\\n')",
                "print('gives', *subject.run(example.program, example.inputs), sep='\\n')",
            ]
        )


def _from_the_core(error: LegalisationError) -> bool:
    """Whether the core's own pass refused, not a backend that borrows its exception."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == "cornu.ir.passes.legalise"


@dataclass(frozen=True)
class Result:
    """What came of a check.

    Args:
        id: The check's name.
        outcome: What came of it.
        seconds: How long it took.
        message: What went wrong, or why it was refused.
        reason: Why it is known to fail.
        reproduction: A script that shows the failure.
    """

    id: str
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    reason: str = ""
    reproduction: str = ""

    @property
    def level(self) -> str:
        """The level of the check."""
        return self.id.split("/", 1)[0]

    def __str__(self) -> str:
        lines = [f"{self.id}: {self.outcome}" + (f" ({self.reason})" if self.reason else "")]
        lines += [self.message] if self.message else []
        lines += ["reproduce with:", _indented(self.reproduction)] if self.reproduction else []
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: without what is empty."""
        told: dict[str, Any] = {"id": self.id, "outcome": str(self.outcome), "seconds": round(self.seconds, 4)}
        return told | {k: v for k in ("message", "reason", "reproduction") if (v := getattr(self, k))}


@dataclass(frozen=True)
class KnownFailures:
    """Failures that are known, strictly: one that passes is wrong, and so is one that names no check.

    Args:
        reasons: From a check's id, or a pattern in which `*` stands for anything, to the reason.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)

    def reason(self, id: str) -> str:
        """Why a check is known to fail; empty if it is not."""
        if id in self.reasons:
            return self.reasons[id]
        return next((reason for pattern, reason in self.reasons.items() if _matches(pattern, id)), "")

    def judge(self, result: Result) -> Result:
        """The result, in the light of what is known."""
        reason = self.reason(result.id)
        if not reason:
            return result
        if result.outcome == Outcome.FAILED:
            return replace(result, outcome=Outcome.KNOWN, reason=reason)
        message = f"it is listed as a known failure ({reason}), but it {_SAID[result.outcome]}; take it off the list"
        return replace(result, outcome=Outcome.FAILED, message=message)

    def unmatched(self, ids: Sequence[str]) -> list[Result]:
        """A failure for each entry that names no check, or gives no reason.

        Args:
            ids: The names of all checks.
        """
        failures = []
        for pattern, reason in self.reasons.items():
            if not reason.strip():
                failures.append(Result(pattern, Outcome.FAILED, message="this known failure has no reason"))
            elif pattern not in ids and not any(_matches(pattern, id) for id in ids):
                failures.append(Result(pattern, Outcome.FAILED, message="this known failure matches no check"))
        return failures


_SAID = {Outcome.PASSED: "passes", Outcome.REFUSED: "is refused"}


def _matches(pattern: str, id: str) -> bool:
    """Whether a name fits a pattern; only `*` is special, as names hold brackets."""
    parts = pattern.split("*")
    if len(parts) == 1 or not id.startswith(parts[0]) or not id.endswith(parts[-1]):
        return pattern == id
    place = len(parts[0])
    for part in parts[1:-1]:
        found = id.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return place <= len(id) - len(parts[-1])
