"""Tools side by side on the same data, in turn: A B A B, every run's marts judged."""
import os
import shutil

from harness import verdict
from harness.data import need_room
from harness.measure import Failed, summary


class Comparison:
    """Runs tools over one data set, and remembers what each cost and where it differed.

    Everything is held against the first tool that came through, Tillmart if it takes part. What differs is a failure of that tool,
    unless its name is in `may_differ`: then it is a finding.
    """

    def __init__(self, data, tools, work, say, may_differ=()):
        self.data, self.tools, self.work, self.say = data, tools, work, say
        self.may_differ = may_differ
        self.runs = {tool.name: [] for tool in tools}
        self.verdicts, self.findings = {}, {}
        self.reference = None

    def run(self, runs):
        """Every tool in turn, so many times. A tool that failed is not started again: it would fail again, slowly."""
        need_room(self.work, self.data.bytes())
        for number in range(1, runs + 1):
            for tool in self.tools:
                if not any(run["failed"] for run in self.runs[tool.name]):
                    self.once(tool, number)
        return self

    def once(self, tool, number):
        folder = os.path.join(self.work, f"run-{tool.name}")
        log = os.path.join(self.work, f"{tool.name}-{number}.log")
        told = tool.run(self.data, folder, log)
        self.runs[tool.name].append(told)
        self.say(f"  {number} {tool.name:17} {told['wall_s']:8.2f} s wall {told['cpu_s']:8.2f} s CPU "
                 f"{told['peak_mib']:8.0f} MiB" + (f"  FAILED: {told['failed']}\n{told['said']}" if told["failed"] else ""))
        if told["failed"] is None:
            self.judge(tool, folder, told, every_row=number == 1)
        shutil.rmtree(folder, ignore_errors=True)

    def judge(self, tool, folder, told, every_row):
        found = verdict.judge(tool.outputs(folder), self.work, every_row)
        if self.reference is None:
            self.reference = found
        wrong = verdict.differences(found, self.reference)
        off, of = verdict.incentives_off(found, self.reference)
        self.verdicts.setdefault(tool.name, verdict.told_totals(found))
        if wrong and tool.name in self.may_differ:
            self.findings[tool.name] = {"differs": wrong, "incentives_off": off, "incentives": of}
        elif wrong:
            told["failed"] = "other results"
            told["said"] = "\n".join(wrong)
            self.say("    DIFFERS from the reference:\n      " + "\n      ".join(wrong))

    def result(self):
        """What is kept: raw runs, summaries, totals."""
        if self.reference is None:
            raise Failed("no tool came through; the logs are in " + self.work)
        return {
            "bytes": self.data.bytes(),
            "tools": [
                {
                    "name": tool.name,
                    "label": tool.label,
                    "summary": summary(self.runs[tool.name]),
                    "runs": self.runs[tool.name],
                    "verdict": self.verdicts.get(tool.name),
                    "finding": self.findings.get(tool.name),
                }
                for tool in self.tools
            ],
        }

    def failed(self):
        """The tools that gave other results: that is a fault, while running out of memory is a result."""
        return [name for name, runs in self.runs.items() if any(run["failed"] == "other results" for run in runs)]
