"""Runs one command and tells what it cost: wall, CPU and peak memory of its whole process tree.

    python3 watch.py RESULT.json FLOOR_MB TIMEOUT_S -- COMMAND ...

A process of its own per command, because it becomes the reaper of every orphan below it: Spark's Java process outlives the Python
that started it, and its CPU would be lost to a plain `wait`. Memory is the larger of two figures: the largest single process as the
kernel counted it (exact), and the sum over all processes at a moment (sampled, so that Python and Java count together).
When the machine has less than FLOOR_MB left, the command is stopped and that is its result: a machine that swaps or kills at random
measures nothing. Linux only.
"""
import ctypes
import json
import os
import signal
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_S = 0.05
RESCAN_S = 0.5


def become_reaper():
    """Makes orphaned descendants children of this process, so that they are waited for."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def parents():
    """The parent of every process on the machine."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    # The program's name stands in brackets and may hold anything, brackets too.
                    found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def descendants(root):
    """Every process below `root`, itself left out."""
    children = {}
    for process, parent in parents().items():
        children.setdefault(parent, []).append(process)
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def resident_kb(process):
    """Resident memory of a process now; 0 when it is gone."""
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0


def available_kb():
    """What the machine can still give without swapping."""
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1])
    raise RuntimeError("/proc/meminfo tells no MemAvailable")


class Sampler(threading.Thread):
    """Watches memory while the command runs, and stops it when the machine or the time runs out."""

    def __init__(self, floor_kb, timeout_s):
        super().__init__(daemon=True)
        self.floor_kb, self.deadline = floor_kb, time.monotonic() + timeout_s
        self.peak_kb, self.stopped, self.over = 0, None, threading.Event()

    def run(self):
        scanned, tree = 0.0, []
        while not self.over.wait(SAMPLE_S):
            now = time.monotonic()
            if now - scanned >= RESCAN_S or not tree:
                scanned, tree = now, descendants(os.getpid())
            self.peak_kb = max(self.peak_kb, sum(map(resident_kb, tree)))
            if available_kb() < self.floor_kb:
                self.stop("out of memory")
            elif now > self.deadline:
                self.stop("out of time")

    def stop(self, why):
        """Ends the command and all below it."""
        self.stopped = self.stopped or why
        for process in descendants(os.getpid()):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


def wait_for_all(first):
    """Waits for the command and for every orphan of it; returns its exit code, its wall end and what all cost."""
    code, ended, cpu_user, cpu_system, largest_kb = None, None, 0.0, 0.0, 0
    while True:
        try:
            process, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return code, ended, cpu_user, cpu_system, largest_kb
        if process == first:
            code, ended = os.waitstatus_to_exitcode(status), time.monotonic()
        cpu_user += usage.ru_utime
        cpu_system += usage.ru_stime
        largest_kb = max(largest_kb, usage.ru_maxrss)


def main(result, floor_mb, timeout_s, command):
    become_reaper()
    sampler = Sampler(int(floor_mb) * 1024, float(timeout_s))
    start = time.monotonic()
    first = os.posix_spawnp(command[0], command, os.environ)
    sampler.start()
    code, ended, cpu_user, cpu_system, largest_kb = wait_for_all(first)
    sampler.over.set()
    sampler.join()
    told = {
        "exit": code,
        "stopped": sampler.stopped,
        "wall_s": round(ended - start, 4),
        "user_s": round(cpu_user, 4),
        "system_s": round(cpu_system, 4),
        "peak_kb": max(largest_kb, sampler.peak_kb),
        "largest_process_kb": largest_kb,
    }
    with open(result, "w", encoding="utf-8") as file:
        json.dump(told, file)


if __name__ == "__main__":
    if len(sys.argv) < 6 or sys.argv[4] != "--":
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[5:])
