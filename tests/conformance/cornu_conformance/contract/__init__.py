"""The rules of the contract with a backend (spec/backend.md), each as a check."""
