"""Measuring a command, and summing up several measurements of it."""
import json
import os
import statistics
import subprocess
import sys

WATCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "watch.py")
# A machine with less than this to spare is about to swap or kill.
FLOOR_MB = 700
TIMEOUT_S = 3 * 3600
MEASURES = ("wall_s", "cpu_s", "peak_mib")


class Failed(Exception):
    """Something that a figure would rest on did not work; the text says what."""


def measured(command, log, environment=None, folder=None, timeout_s=TIMEOUT_S):
    """Runs a command with its output going to the file `log`, and returns what it cost.

    The result has `wall_s`, `cpu_s` (with its parts `user_s` and `system_s`), `peak_mib`, `exit`, and `stopped`, which is None or why the
    command was ended. Its stdout alone is in `log` + ".out".
    """
    result = log + ".json"
    with open(log, "wb") as talk, open(log + ".out", "wb") as data:
        watch = [sys.executable, "-S", "-E", WATCH, result, str(FLOOR_MB), str(timeout_s), "--", *map(str, command)]
        code = subprocess.run(watch, stdin=subprocess.DEVNULL, stdout=data, stderr=talk, env=environment, cwd=folder, check=False)
    if code.returncode != 0 or not os.path.isfile(result):
        raise Failed(f"could not measure {command[0]}: {tail(log)}")
    with open(result, encoding="utf-8") as file:
        told = json.load(file)
    told["cpu_s"] = round(told["user_s"] + told["system_s"], 4)
    told["peak_mib"] = round(told.pop("peak_kb") / 1024, 1)
    told["largest_process_mib"] = round(told.pop("largest_process_kb") / 1024, 1)
    return told


def tail(log, lines=12):
    """The end of what a command said, for a person who wonders why it failed."""
    with open(log, encoding="utf-8", errors="replace") as file:
        return "\n".join(file.read().replace("\r", "\n").splitlines()[-lines:])


def why_failed(told, log):
    """Why a measured command failed, in a few words, or None if it did not."""
    if told["stopped"]:
        return told["stopped"]
    if told["exit"] == 0:
        return None
    said = tail(log, 200).lower()
    hungry = ("out of memory", "outofmemory", "memoryerror", "bad_alloc", "java heap space", "memory allocation")
    if told["exit"] == -9 or any(word in said for word in hungry):
        return "out of memory"
    return f"exit code {told['exit']}"


def summary(runs):
    """Median, least and most of each measure over the runs that went well; None when there is none."""
    good = [run for run in runs if run.get("failed") is None]
    if not good:
        return None
    told = {"runs": len(good)}
    for name in MEASURES:
        values = [run[name] for run in good]
        told[name] = {"median": round(statistics.median(values), 3), "min": min(values), "max": max(values)}
    return told
