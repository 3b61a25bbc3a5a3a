"""Tests of the benchmark's harness: `cargo xtask bench --selftest`."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
