"""Lies that the suite does not catch, each with the reason; a lie that is caught may not stand here."""

SURVIVORS: dict[str, str] = {
    "numpy: PlainErrors": (
        "nothing that a valid call asks of NumPy's kernels fails at run time (an index out of range is clamped), so "
        "there is no error to be of the wrong kind; on onnxruntime, where there is one, the lie is caught"
    ),
}
