"""Where programs are run: the contract, the installed backends, and which of them is in use."""
