"""One module for each level: `generate()` gives its checks."""
