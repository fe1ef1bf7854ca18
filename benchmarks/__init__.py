"""Benchmarks: every figure that is quoted anywhere, printed again."""
