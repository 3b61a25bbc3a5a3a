"""The parts of the benchmark; `bench/run.py` is its command line."""
