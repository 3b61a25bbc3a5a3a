"""What a command cost is told whole, orphans included, and told as failed when it failed."""
import os
import sys
import tempfile
import unittest

from harness.measure import measured, summary, why_failed

ORPHAN = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        held = bytearray(os.urandom(1)) * (200 << 20)
        while time.process_time() < 0.6:
            pass
        time.sleep(0.3)
    os._exit(0)
os.wait()
"""


class Measuring(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log = os.path.join(self.folder.name, "log")

    def python(self, text, **more):
        return measured([sys.executable, "-c", text], self.log, **more)

    def test_an_orphans_cpu_and_memory_count(self):
        told = self.python(ORPHAN)
        self.assertIsNone(why_failed(told, self.log))
        self.assertGreaterEqual(told["cpu_s"], 0.6)
        self.assertGreaterEqual(told["peak_mib"], 200)

    def test_memory_of_several_processes_is_summed(self):
        child = "import time; held = bytearray(b'x') * (150 << 20); time.sleep(2)"
        told = self.python(f"import subprocess, sys; two = [subprocess.Popen([sys.executable, '-c', {child!r}]) for _ in range(2)]; "
                           "[one.wait() for one in two]")
        self.assertLess(told["largest_process_mib"], 250)
        self.assertGreaterEqual(told["peak_mib"], 300)

    def test_failures_are_told_as_what_they_were(self):
        self.assertEqual(why_failed(self.python("raise SystemExit(3)"), self.log), "exit code 3")
        self.assertEqual(why_failed(self.python("raise MemoryError()"), self.log), "out of memory")
        self.assertEqual(why_failed(self.python("import os; os.kill(os.getpid(), 9)"), self.log), "out of memory")
        self.assertEqual(why_failed(self.python("import time; time.sleep(60)", timeout_s=0.5), self.log), "out of time")

    def test_output_is_kept_apart_from_talk(self):
        self.python("import sys; print('data'); print('talk', file=sys.stderr)")
        with open(self.log + ".out", encoding="utf-8") as file:
            self.assertEqual(file.read(), "data\n")
        with open(self.log, encoding="utf-8") as file:
            self.assertEqual(file.read(), "talk\n")

    def test_a_summary_leaves_failed_runs_out(self):
        run = {"wall_s": 3.0, "cpu_s": 4.0, "peak_mib": 5.0, "failed": None}
        told = summary([run, {**run, "wall_s": 1.0}, {**run, "wall_s": 2.0}, {**run, "wall_s": 99.0, "failed": "exit code 1"}])
        self.assertEqual((told["runs"], told["wall_s"]), (3, {"median": 2.0, "min": 1.0, "max": 3.0}))
        self.assertIsNone(summary([{**run, "failed": "out of memory"}]))
