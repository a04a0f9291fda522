"""`python -m mutation`, from tests/conformance: judges every lying backend and writes spec/conformance.md."""

from mutation.report import main

main()
