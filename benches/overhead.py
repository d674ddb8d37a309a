#!/usr/bin/env python3
"""What a step that does nothing costs in other runners, on the same chain and the same fan.

*Chain*: each step after the one before. *Fan*: none after any other. Every run is a process of its own
with a time limit and an empty home, and what one step takes is the run of N steps less the run of one,
divided by N - 1: starting Python, a server or a database does not count. Where that is no more than
what the runs of one step differ by, the table says noise and how much, for nothing was measured.
*Cached* is the same command a second time, for those that then find everything done. CPU time is user
and system, children included.

What a step is differs, and so does what is kept of it; the table says which. A peer that cannot be
installed or run is a line with the reason.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path

import common

SHAPES = ("chain", "fan")


class Failed(Exception):
    """Why a peer has no figures, in one line."""

    def __init__(self, what, text):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        super().__init__(f"{what}: {lines[-1][:150] if lines else 'it said nothing'}")


class Peer:
    """A runner from PyPI: how it is installed, and how a run of so many steps is written and started."""

    name = ""
    packages = ()
    step = ""  # What a step is, and where it runs.
    steps = 100
    caches = False
    env = {}

    def bin(self, program):
        return common.ROOT / "target" / f"bench-venv-{self.name}" / "bin" / program

    def install(self):
        """Makes the venv of this peer, unless it holds these packages already."""
        place = self.bin("python").parent.parent
        mark, wanted = place / "packages", " ".join(self.packages)
        if mark.is_file() and mark.read_text() == wanted:
            return
        print(f"installing {wanted} into {place.relative_to(common.ROOT)}", flush=True)
        pip = [self.bin("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for command in ([sys.executable, "-m", "venv", "--clear", place], [*pip, *self.packages]):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise Failed("install", done.stdout)
        mark.write_text(wanted)

    def prepare(self, place, shape, steps):
        """Writes the run into an empty folder, and returns its command."""
        raise NotImplementedError

    def start(self, place, command, limit):
        """Runs a command in the folder. It, and what it started, ends with the limit."""
        env = {name: value.replace("PLACE", str(place)) for name, value in self.env.items()}
        bounds = ["timeout", "--kill-after=5", str(limit), "env", "-C", place]
        child = common.measure([*bounds, *(f"{k}={v}" for k, v in env.items()), *command], check=False)
        if child.code in (124, 137):
            raise Failed("run", f"not done after {limit} s")
        if child.code != 0:
            raise Failed("run", child.output + child.errors)
        return child

    def measure(self, inside, shape, steps, limit):
        """One run: the seconds by the clock, of the CPU, and by the clock when all is cached, or None."""
        with tempfile.TemporaryDirectory(dir=inside) as place:
            place = Path(place).resolve()
            command = self.prepare(place, shape, steps)
            run = self.start(place, command, limit)
            cached = self.start(place, command, limit).wall if self.caches else None
            return run.wall, run.cpu, cached


class Dagster(Peer):
    name = "dagster"
    packages = ("dagster==1.13.28",)
    step = "an op in the runner's process; events in SQLite"
    env = {"DAGSTER_HOME": "PLACE"}
    PROGRAM = """
import sys
from dagster import DagsterInstance, In, Nothing, Out, job, op

shape, steps = sys.argv[1], int(sys.argv[2])

@op(out=Out(Nothing))
def alone():
    pass

@op(ins={"after": In(Nothing)}, out=Out(Nothing))
def follow():
    pass

@job
def noop():
    done = alone()
    for number in range(1, steps):
        if shape == "chain":
            done = follow.alias(f"step{number}")(done)
        else:
            alone.alias(f"step{number}")()

result = noop.execute_in_process(instance=DagsterInstance.get())
assert result.success and len(result.get_step_success_events()) == steps
"""

    def prepare(self, place, shape, steps):
        (place / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        (place / "noop.py").write_text(self.PROGRAM)
        return [self.bin("python"), "noop.py", shape, steps]


class Prefect(Peer):
    name = "prefect"
    # 3.9 asks for a certifi that PyPI did not have yet, and its server does not start with a newer FastAPI.
    packages = ("prefect==3.8.8", "fastapi==0.139.2", "starlette==1.10.0")
    step = "a function in the runner's process; states in SQLite behind a local server"
    env = {
        "PREFECT_HOME": "PLACE",
        "PREFECT_PROFILES_PATH": "PLACE/profiles.toml",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "DO_NOT_TRACK": "1",
    }
    # Its server takes ten seconds to start, give or take more than all the steps cost, and what the steps
    # did reaches the database later: a process that just ends loses most of it. So this one is timed from
    # inside, from the start of the flow until every step is in the database as completed.
    PROGRAM = """
import json, os, sqlite3, sys, time
from pathlib import Path
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

shape, steps = sys.argv[1], int(sys.argv[2])
ran, begin = [], []

def cpu():
    # This process and the server, which is its child.
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            field = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if os.getpid() in (int(stat.parent.name), int(field[1])):
            ticks += int(field[11]) + int(field[12])
    return ticks / os.sysconf("SC_CLK_TCK")

@task(cache_policy=NO_CACHE)
def step(before):
    ran.append(1)
    return 1

@flow
def noop():
    begin.extend((time.monotonic(), cpu()))
    if shape == "fan":
        for run in [step.submit(None) for _ in range(steps)]:
            run.result()
    else:
        done = None
        for _ in range(steps):
            done = step(done)

noop()
assert len(ran) == steps
base = sqlite3.connect(f"file:{os.environ['PREFECT_HOME']}/prefect.db?mode=ro", uri=True, timeout=30)
count = "SELECT count(*) FROM task_run WHERE state_type = 'COMPLETED'"
while base.execute(count).fetchone()[0] < steps:
    time.sleep(0.05)
print(json.dumps([time.monotonic() - begin[0], cpu() - begin[1]]))
"""

    def prepare(self, place, shape, steps):
        (place / "noop.py").write_text(self.PROGRAM)
        return [self.bin("python"), "noop.py", shape, steps]

    def measure(self, inside, shape, steps, limit):
        with tempfile.TemporaryDirectory(dir=inside) as place:
            place = Path(place).resolve()
            child = self.start(place, self.prepare(place, shape, steps), limit)
            return *json.loads(child.output.splitlines()[-1]), None


class Luigi(Peer):
    name = "luigi"
    packages = ("luigi==3.8.1",)
    step = "a task in the runner's process that writes an empty file"
    steps = 500
    caches = True
    PROGRAM = """
import sys
import luigi

shape, steps = sys.argv[1], int(sys.argv[2])

class Step(luigi.Task):
    number = luigi.IntParameter()

    def requires(self):
        return [Step(self.number - 1)] if shape == "chain" and self.number else []

    def output(self):
        return luigi.LocalTarget(f"out/{self.number}")

    def run(self):
        self.output().open("w").close()

last = [Step(steps - 1)] if shape == "chain" else [Step(number) for number in range(steps)]
assert luigi.build(last, local_scheduler=True, log_level="ERROR")
assert all(Step(number).complete() for number in range(steps))
"""

    def prepare(self, place, shape, steps):
        (place / "noop.py").write_text(self.PROGRAM)
        return [self.bin("python"), "noop.py", shape, steps]


class Snakemake(Peer):
    name = "snakemake"
    packages = ("snakemake==9.27.1",)
    step = "a shell command that writes an empty file"
    caches = True
    env = {"HOME": "PLACE", "XDG_CACHE_HOME": "PLACE/.cache"}

    def prepare(self, place, shape, steps):
        last = range(steps - 1, steps) if shape == "chain" else range(steps)
        rules = [f"rule all:\n  input: {[f'out/{number}' for number in last]}\n"]
        for number in range(steps):
            needs = f"  input: 'out/{number - 1}'\n" if shape == "chain" and number else ""
            rules.append(f"rule s{number}:\n{needs}  output: 'out/{number}'\n  shell: 'touch {{output}}'\n")
        (place / "Snakefile").write_text("\n".join(rules))
        return [self.bin("snakemake"), "--cores", "2", "--quiet", "all"]

class Dvc(Peer):
    name = "dvc"
    packages = ("dvc==3.67.1",)
    step = "a shell command that writes a file, hashed and kept"
    steps = 50
    caches = True
    env = {"HOME": "PLACE", "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": "PLACE/.site"}

    def prepare(self, place, shape, steps):
        # Equal files would be kept only once, and their hashing shared.
        stages = []
        for number in range(steps):
            needs = f"    deps: [out{number - 1}]\n" if shape == "chain" and number else ""
            stages.append(f"  s{number}:\n    cmd: echo {number} > out{number}\n{needs}    outs: [out{number}]\n")
        (place / "dvc.yaml").write_text("stages:\n" + "".join(stages))
        self.start(place, [self.bin("dvc"), "init", "--no-scm", "--quiet"], 60)
        return [self.bin("dvc"), "repro", "--quiet"]


# One file for both ways of running Airflow. Empty operators would not do: the scheduler marks those as
# done without running them.
DAG = """
from airflow.sdk import DAG, task

with DAG(dag_id="{name}", schedule=None) as dag:
    before = None
    for number in range({steps}):

        @task(task_id=f"step{{number}}")
        def step():
            pass

        this = step()
        if "{shape}" == "chain" and before is not None:
            before >> this
        before = this
"""


class AirflowTest(Peer):
    name = "airflow"
    packages = ("scripts/airflow.sh",)
    step = "a function in the runner's process (`dags test`); states in SQLite"
    steps = 50
    env = {
        "AIRFLOW_HOME": "PLACE",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }

    def bin(self, program):
        return common.ROOT / ".tools" / "airflow" / "bin" / program

    def install(self):
        script = common.ROOT / "scripts" / "airflow.sh"
        done = subprocess.run([script, "install"], stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failed("install", done.stderr)

    def prepare(self, place, shape, steps):
        (place / "dags").mkdir()
        (place / "dags" / "noop.py").write_text(DAG.format(name="noop", shape=shape, steps=steps))
        self.start(place, [self.bin("airflow"), "db", "migrate"], 60)
        self.start(place, [self.bin("airflow"), "dags", "reserialize"], 60)
        return [self.bin("airflow"), "dags", "test", "noop"]


class AirflowScheduler(AirflowTest):
    """All runs go through one scheduler, started for them, with the intervals of the tests."""

    step = "a function in a process of its own (scheduler, LocalExecutor, 4 workers); states in SQLite"
    steps = 30

    def __enter__(self):
        self.inside = common.folder("airflow")
        self.home = Path(self.inside.name).resolve()
        self.number = 0
        try:
            self.script = common.ROOT / "scripts" / "airflow.sh"
            done = subprocess.run([self.script, "start", self.home], capture_output=True, text=True)
            if done.returncode != 0:
                raise Failed("start", done.stderr)
            self.url = dict(line.split("=", 1) for line in done.stdout.splitlines())["AIRFLOW_URL"] + "/api/v2"
            # The first tasks import what their workers then hold.
            self.idle = 0
            self.measure(None, "fan", 8, 60)
            begin, idle = time.monotonic(), self.cpu()
            time.sleep(5)
            self.idle = (self.cpu() - idle) / (time.monotonic() - begin)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run([self.script, "stop", self.home], check=False)
        self.inside.cleanup()

    def cpu(self):
        """The CPU seconds so far of everything that the script started, children that ended included."""
        mark, ticks = f"FQM_AIRFLOW={self.home}".encode(), 0
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))
            except OSError:
                continue  # It ended meanwhile, or is somebody else's.
        return ticks / os.sysconf("SC_CLK_TCK")

    def call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def until(self, what, limit, check):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                if check():
                    return
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
            time.sleep(0.1)
        raise Failed("run", f"{what} not done after {limit} s")

    def measure(self, inside, shape, steps, limit):
        self.number += 1
        name = f"{shape}-{steps}-{self.number}"
        (self.home / "dags" / f"{name}.py").write_text(DAG.format(name=name, shape=shape, steps=steps))
        self.until("reading the DAG", 60, lambda: self.call(f"/dags/{name}"))
        begin, cpu = time.monotonic(), self.cpu()
        self.call(f"/dags/{name}/dagRuns", {"dag_run_id": "run", "logical_date": None})
        run = {}

        def ended():
            run.update(self.call(f"/dags/{name}/dagRuns/run"))
            return run["state"] in ("success", "failed")

        self.until("the DAG run", limit, ended)
        wall = time.monotonic() - begin
        if run["state"] == "failed":
            raise Failed("run", "the DAG run failed")
        return wall, self.cpu() - cpu - self.idle * wall, None


class Ours:
    """The runner of this repository, by a program that prints a line of JSON for each run that it timed.

    A line has `shape`, `steps`, `seconds`, and `cpu` and `cached_seconds` where it knows them. A run of
    one step is what the others of its shape are compared with, where there is one.
    """

    step = "a function in the runner's process; every commit waits for the disk"

    def __init__(self, command):
        self.command = shlex.split(command)

    def runs(self):
        if shutil.which(self.command[0]) is None:
            raise Failed("run", f"{self.command[0]} is not there")
        child = common.measure(self.command, check=False)
        if child.code != 0:
            raise Failed("run", child.errors or f"exit {child.code}")
        found = defaultdict(lambda: defaultdict(list))
        for line in child.output.splitlines():
            if line.startswith("{"):
                run = json.loads(line)
                took = run["seconds"], run.get("cpu"), run.get("cached_seconds")
                found[run["shape"]][run["steps"]].append(took)
        if not found:
            raise Failed("run", "it printed no line of JSON")
        return found


def each(many, one, which, steps):
    """Milliseconds a step of the runs: by the clock (0), of the CPU (1) or cached (2)."""
    first = [run[which] for run in one if run[which] is not None]
    base, divide = (common.median(first), steps - 1) if first else (0, steps)
    return [1000 * (run[which] - base) / divide for run in many if run[which] is not None]


def spread(one, which, steps):
    """By how many milliseconds a step the runs of one step differ among themselves."""
    first = [run[which] for run in one if run[which] is not None]
    return 1000 * (max(first) - min(first)) / (steps - 1) if first else 0


def shown(values, choose, noise):
    """A figure, or that it is no larger than what the start alone varies by."""
    if not values:
        return ""
    return f"{choose(values):.2f}" if choose(values) > noise else f"noise ({max(noise, 0.01):.2f})"


def row(name, what, shape, steps, many, one):
    wall, cpu, cached = (each(many, one, which, steps) for which in range(3))
    start = f"{common.median([run[0] for run in one]):.1f}" if one else ""
    noise = [spread(one, which, steps) for which in range(3)]
    figures = [shown(wall, common.median, noise[0]), shown(wall, min, noise[0])]
    figures += [shown(cpu, common.median, noise[1]), shown(cached, common.median, noise[2])]
    return [name, what, shape, steps, *figures, start]


def of_peer(peer, options, inside):
    """The rows of one peer; what fails is a row as well."""
    name = peer.packages[0].replace("==", " ")
    if isinstance(peer, AirflowTest):
        name = "airflow " + (peer.bin("python").parent.parent / "version").read_text().strip()
    rows = []
    for shape in SHAPES:
        steps = options.steps or peer.steps
        try:
            one = [peer.measure(inside, shape, 1, options.limit) for _ in range(options.turns)]
            many = [peer.measure(inside, shape, steps, options.limit) for _ in range(options.turns)]
            rows.append(row(name, peer.step, shape, steps, many, one))
        except (Failed, OSError) as error:
            rows.append([name, str(error), shape, steps, *[""] * 5])
    return rows


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [peer.name for peer in (AirflowTest, Dagster, Prefect, Luigi, Snakemake, Dvc)]
    options.add_argument("peers", nargs="*", metavar="PEER", help=f"which (all): {', '.join(names)}")
    options.add_argument("--scheduler", action="store_true", help="Airflow under a real scheduler as well")
    options.add_argument("--steps", type=int, help="steps of a run (as many as suit the peer)")
    options.add_argument("--turns", type=int, default=3, help="runs of each (3)")
    options.add_argument("--limit", type=int, default=120, help="seconds that a run may take (120)")
    options.add_argument("--ours", metavar="COMMAND", help="prints our runs as lines of JSON")
    options = options.parse_args()
    if unknown := set(options.peers) - set(names):
        sys.exit(f"there is no peer {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    rows = []
    with common.folder("overhead") as inside:
        if options.ours:
            try:
                for shape, runs in Ours(options.ours).runs().items():
                    one = runs.pop(1, [])
                    rows += [row("fqm-pipe", Ours.step, shape, n, many, one) for n, many in runs.items()]
            except Failed as error:
                rows.append(["fqm-pipe", str(error), *[""] * 7])
        for kind in (AirflowTest, AirflowScheduler, Dagster, Prefect, Luigi, Snakemake, Dvc):
            if options.peers and kind.name not in options.peers:
                continue
            if kind is AirflowScheduler and not options.scheduler:
                continue
            peer = kind()
            try:
                peer.install()
                if kind is AirflowScheduler:
                    with peer:
                        found = of_peer(peer, options, inside)
                else:
                    found = of_peer(peer, options, inside)
            except (Failed, OSError) as error:
                found = [[peer.name, str(error), *[""] * 7]]
            print(f"measured {kind.name}", flush=True)
            rows += found
    figures = ["ms a step, median", "lowest", "CPU ms a step", "cached, ms a step", "one step, s in all"]
    common.table(["runner", "a step", "shape", "steps", *figures], rows)
    if not options.ours:
        print("Without our own runner: --ours names the program that times it.")


if __name__ == "__main__":
    main()
