"""Mutants: Kubernetes with one behaviour changed, read from labs/mutants, and judged by the claims that must turn."""
