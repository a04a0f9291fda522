"""Lists which of the ONNX standard's own tests read as programs, for the conformance suite.

python tests/support/list_onnx_tests.py
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import cornu.primitives  # noqa: F401  (registers them)
from cornu_conformance.onnx_tests import LIST, readable, standard_tests

PAGE = Path(__file__).parents[1] / "conformance" / "cornu_conformance" / LIST


def listed() -> str:
    """The names, in lines of text."""
    names = " ".join(name for name in sorted(standard_tests()) if readable(name))
    return textwrap.fill(names, 118, break_on_hyphens=False, break_long_words=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(listed(), encoding="utf-8")
