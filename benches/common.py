"""What the Python benchmarks share: the built program, workspaces, logs to read, and measured children."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATE = "2026-01-15"
MB = 1_000_000

# The sentences in which `simulate` hides fake secrets and personal data.
INJECTED = re.compile(
    rb"AKIA|ghp_|xoxb-|Bearer |to card |call me at |IBAN |SSN is |\w@\w|\"notes?\":"
)
EPISODE = re.compile(rb'"episode_id":"(ep-\d+-e\d+)"')
PREFIX = f"ep-{DATE.replace('-', '')}-e".encode()


def program():
    """The built `fqm-pipe`: `FQM_PIPE`, else the one of this repository."""
    path = Path(os.environ.get("FQM_PIPE") or ROOT / "target" / "debug" / "fqm-pipe").resolve()
    if not path.is_file():
        sys.exit(f"find fqm-pipe: {path} is missing; run `make build`, or set FQM_PIPE")
    return str(path)


def planning_data():
    """The folder of planning problems; ends the benchmark, not as a failure, where it is not there."""
    shared = os.environ.get("FQM_SHARED_DATA") or ROOT.parent / "shared" / "data"
    found = Path(shared) / "planning"
    if not found.is_dir():
        print(f"skipped: no problems in {found}; FQM_SHARED_DATA names another place")
        sys.exit(0)
    return found


def folder(prefix):
    """A temporary folder on the disk that holds the build, removed at the end; TMPDIR wins."""
    base = os.environ.get("TMPDIR")
    if not base:
        base = ROOT / "target"
        base.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=f"bench-{prefix}-", dir=base)


# A process that is started straight from here begins with this process's peak memory, because the
# kernel keeps the mark over fork and exec; a fresh small process in between begins near zero.
LAUNCHER = """
import json, os, subprocess, sys, time
begin = time.monotonic()
child = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(child.pid, 0)
took = {"wall": time.monotonic() - begin, "cpu": used.ru_utime + used.ru_stime}
took |= {"peak": used.ru_maxrss * 1024, "code": os.waitstatus_to_exitcode(status)}
os.write(int(sys.argv[1]), json.dumps(took).encode())
"""


class Child:
    """What a finished child took: seconds by the clock, CPU seconds, peak memory in bytes.

    CPU and peak memory include the children that it waited for itself.
    """

    def __init__(self, took, output, errors):
        self.wall = took["wall"]
        self.cpu = took["cpu"]
        self.peak = took["peak"]
        self.code = took["code"]
        self.output = output
        self.errors = errors


def measure(command, check=True):
    """Runs a command to its end; where `check` is set, a failure ends the benchmark."""
    command = [str(part) for part in command]
    read, write = os.pipe()
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(write), *command]
    # A place that the user's environment names would win over the workspace made here.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FQM_")}
    done = subprocess.run(launch, capture_output=True, pass_fds=[write], env=kept)
    os.close(write)
    with os.fdopen(read) as pipe:
        took = json.loads(pipe.read())
    child = Child(took, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    if check and child.code != 0:
        sys.exit(f"run {' '.join(command)}: exit {child.code}\n{child.output}{child.errors}")
    return child


def workspace(inside, name="bench"):
    """A new workspace whose pipeline `ingest` holds only the ingest step of the nightly one."""
    place = Path(inside) / name
    measure([program(), "init", place])
    nightly = (place / "pipelines" / "nightly.toml").read_text()
    uses = re.search(r'^uses = "(ingest\.logs@\d+)"', nightly, re.MULTILINE).group(1)
    (place / "pipelines" / "ingest.toml").write_text(
        'schema = 1\nname = "ingest"\n\n'
        f'[[step]]\nid = "ingest"\nuses = "{uses}"\nin = {{ logs = "{{{{ logs }}}}/**" }}\n'
    )
    return place


def base_records(inside, episodes):
    """Lines of really played episodes of one day, without fake secrets, copies and broken lines."""
    place = Path(inside) / "played"
    measure([program(), "init", place])
    play = ["simulate", "--days", "1", "--from", DATE, "--episodes", str(episodes), "--seed", "7"]
    measure([program(), *play, "--workspace", place])
    lines = (place / "logs" / DATE / "part-000.jsonl").read_bytes().splitlines(keepends=True)
    kept, dirty, seen = [], set(), set()
    for line in lines:
        found = EPISODE.search(line)
        try:
            json.loads(line)
        except ValueError:
            found = None
        if found is None or line in seen:
            continue
        seen.add(line)
        if INJECTED.search(line):
            dirty.add(found.group(1))
        kept.append((found.group(1), line))
    lines = [line for episode, line in kept if episode not in dirty]
    if not lines:
        sys.exit("play the day: no line is left; has the log format changed?")
    return lines


def rounds(lines, size):
    """The lines again and again with new ids, as blocks, until `size` bytes are reached."""
    block = b"".join(lines)
    done = 0
    for number in range(10**6):
        fresh = block.replace(PREFIX, PREFIX[:-1] + b"r%05de" % number)
        if done + len(fresh) > size and done > 0:
            # A part of the block, to whole lines, fills up what is left.
            cut = fresh.rfind(b"\n", 0, size - done) + 1
            yield fresh[:cut]
            return
        done += len(fresh)
        yield fresh
        if done >= size:
            return


def ingest(place):
    """Runs the ingest step into empty tables. Returns the measured child and the counts it states."""
    for name in (".fqm", "reports"):
        shutil.rmtree(Path(place) / name, ignore_errors=True)
    run = ["run", "ingest", "--date", DATE, "--workspace", place, "--json"]
    child = measure([program(), *run])
    status = ["status", json.loads(child.output)["run"], "--workspace", place, "--json"]
    steps = json.loads(measure([program(), *status]).output)["steps"]
    step = next(step for step in steps if step["step"] == "ingest")
    return child, step["outputs"]["snapshot"]["facts"]


def table(head, rows):
    """Prints a Markdown table with aligned columns."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * w for w in widths], *rows]:
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |")
    sys.stdout.flush()


median = statistics.median
