"""Writes README's table of backends from reports of the suite: `python tests/support/describe_backends.py REPORT...`.

The reports are what `cornu conformance NAME --json REPORT` wrote. Their counts are kept in spec/backends.json; without
new reports the table is made of those.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
COUNTS = ROOT / "spec" / "backends.json"
BEGIN, END = "<!-- backends: made by tests/support/describe_backends.py -->\n", "<!-- /backends -->\n"
KEPT = ("contract", "about", "levels")


def known_backends() -> dict[str, str]:
    """The backends of this repository: from the name to where the source is."""
    found = {}
    for project in (ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))):
        entries = _entries(project)
        where = project.parent.relative_to(ROOT)
        found |= {name: str(where if where.parts else Path("backends") / module) for name, module in entries.items()}
    return found


def _entries(project: Path) -> dict[str, str]:
    import tomllib

    groups = tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("entry-points", {})
    return {name: value.partition(":")[0] for name, value in groups.get("cornu.backends", {}).items()}


def take(reports: Sequence[Path]) -> None:
    """Puts the counts of reports among those that are kept."""
    counts = json.loads(COUNTS.read_text(encoding="utf-8")) if COUNTS.exists() else {}
    for path in reports:
        report = json.loads(path.read_text(encoding="utf-8"))
        counts[report["backend"]] = {what: report[what] for what in KEPT}
    order = list(known_backends())
    kept = {name: counts[name] for name in order if name in counts}
    COUNTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def table(counts: Mapping[str, Any]) -> str:
    """The table in Markdown: backends by levels."""
    places = known_backends()
    levels = list(dict.fromkeys(level for told in counts.values() for level in told["levels"]))
    lines = [f"| backend | runs on | contract | {' | '.join(levels)} |", f"|{'---|' * 3}{'---:|' * len(levels)}"]
    for name, told in counts.items():
        cells = [f"[{name}]({places[name]})", f"{name} {told['about']['backend_version']}", told["contract"]]
        cells += [_cell(told["levels"][level]) for level in levels]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(outcomes: Mapping[str, int]) -> str:
    others = [f"{count} {outcome}" for outcome, count in outcomes.items() if outcome != "passed" and count]
    return ", ".join([str(outcomes["passed"]), *others])


def with_table(page: str) -> str:
    """README with the table as the counts say."""
    counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{table(counts)}{END}{tail}"


if __name__ == "__main__":
    take([Path(path) for path in sys.argv[1:]])
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
