"""The machine and the moment that figures are of."""
import datetime
import os
import platform
import subprocess


def first_line(path, key):
    """The value of `key: value` or `key : value` in a file of /proc."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return "unknown"


def commit(root):
    """The commit that the working tree stands at; "+" behind it when files differ from it."""
    git = ["git", "-C", root]
    try:
        name = subprocess.run([*git, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "--", "crates", "sql", "Cargo.lock"], capture_output=True, text=True,
                                 check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+" if changed.stdout.strip() else "")


def described(root):
    """CPU, cores, memory, system, commit, time, and how busy the machine is before the first run."""
    memory = int(first_line("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024
    return {
        "cpu": first_line("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": commit(root),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load_before": round(os.getloadavg()[0], 1),
    }


def free_bytes(folder):
    """What the disk below a folder has to spare."""
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize
