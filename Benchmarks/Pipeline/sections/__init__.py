"""The parts of the benchmark: each module has `NAME`, `TITLE`, and `run(bench)`, which returns its tables."""
