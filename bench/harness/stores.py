"""RadosGW for a benchmark: the test kit's program `tillmart-servers`, driven through its stdin as `cargo xtask real-sales` does."""
import subprocess

from harness.measure import Failed


class Servers:
    """Running servers; they stop with the block that they are used in."""

    def __init__(self, program):
        if not program:
            raise Failed("--stores needs the program tillmart-servers: `cargo build -p tillmart-testkit --bins`, then --servers PATH")
        self.program, self.child = program, None

    def __enter__(self):
        self.child = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer("the start of the servers")
        return self

    def __exit__(self, *_):
        # The end of its stdin ends it, and its servers with it.
        self.child.stdin.close()
        self.child.wait()

    def bucket(self):
        """A bucket of its own, as the variables that a project on it is run with. Its database stays SQLite in the project's folder."""
        self.child.stdin.write("project\n")
        self.child.stdin.flush()
        told = dict(line.split("=", 1) for line in self.answer("a new bucket"))
        return {name: value for name, value in told.items() if name.startswith("TILLMART_STORAGE_")}

    def answer(self, question):
        """The lines of an answer, up to its `ok`."""
        lines = []
        for line in self.child.stdout:
            line = line.rstrip("\n")
            if line == "ok":
                return lines
            if line.startswith("error: "):
                raise Failed(f"{question}: {line[len('error: '):]}")
            lines.append(line)
        raise Failed(f"{question}: the servers' program ended")
