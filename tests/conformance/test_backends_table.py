"""README's table of backends is of this suite, this contract, and every backend of the repository."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import describe_backends
import pytest
from cornu.backend.contract import CONTRACT_VERSION
from cornu_conformance import checks

STALE = "run `make report`"
COUNTS: dict[str, Any] = json.loads(describe_backends.COUNTS.read_text(encoding="utf-8"))


def test_it_is_what_the_counts_say() -> None:
    page = describe_backends.README.read_text(encoding="utf-8")
    assert page == describe_backends.with_table(page), "run python tests/support/describe_backends.py"


def test_it_has_every_backend_of_the_repository() -> None:
    assert list(COUNTS) == list(describe_backends.known_backends()), STALE
    assert len(COUNTS) >= 5


@pytest.mark.parametrize("name", COUNTS)
def test_a_report_is_of_this_suite_and_contract(name: str) -> None:
    told = COUNTS[name]
    assert told["contract"] == told["about"]["core_contract"] == CONTRACT_VERSION, STALE
    assert {level: sum(counts.values()) for level, counts in told["levels"].items()} == Counter(
        check.level for check in checks()
    ), STALE


@pytest.mark.parametrize("name", COUNTS)
def test_nothing_fails(name: str) -> None:
    assert sum(counts["failed"] for counts in COUNTS[name]["levels"].values()) == 0
