#!/bin/sh
# Checks what lies in deploy/ with the tools that are there: promtool, python3, systemd-analyze, docker, and
# kubernetes-validate and hadolint, which scripts/peers.sh installs. What a missing tool would check is
# skipped, with a line that says so. The exit code is 1 when something is wrong.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/.tools/hadolint/bin

failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

have() {
  command -v "$1" >/dev/null 2>&1
}

skip() {
  echo "skipped  $1: $2"
}

# check WHAT COMMAND… shows what the command says only where it fails.
check() {
  what=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    echo "ok       $what"
  else
    echo "FAILED   $what"
    sed 's/^/         /' "$work/said"
    failed=1
  fi
}

# systemd-analyze ends with 0 after a line that it does not know, so that any word of it counts. It also
# wants the program to be there, which it need not be on this machine.
units() {
  mkdir "$work/units"
  for unit in deploy/*.service deploy/*.timer; do
    sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$unit" >"$work/units/${unit##*/}"
  done
  systemd-analyze verify "$work"/units/* >"$work/words" 2>&1 || echo "exit code $?" >>"$work/words"
  cat "$work/words"
  test ! -s "$work/words"
}

# Five fields within their bounds and a command on each line that is no comment.
crontab_file() {
  awk '
    BEGIN { split("0 0 1 1 0", low); split("59 23 31 12 7", high) }
    /^[ \t]*(#|$)/ { next }
    NF < 6 { print FILENAME ":" FNR ": five fields and a command are wanted"; bad = 1; next }
    {
      for (field = 1; field <= 5; field++) {
        if ($field !~ /^[0-9*][0-9*,\/-]*$/) { print FILENAME ":" FNR ": `" $field "` is no time"; bad = 1 }
        count = split($field, numbers, /[^0-9]+/)
        for (i = 1; i <= count; i++)
          if (numbers[i] != "" && (numbers[i] + 0 < low[field] || numbers[i] + 0 > high[field])) {
            print FILENAME ":" FNR ": " numbers[i] " is out of bounds in `" $field "`"; bad = 1
          }
      }
    }
    END { exit bad }' "$1"
}

# sbatch passes over #SBATCH lines that stand after the first command, and does not say so.
batch_file() {
  sh -n "$1" && awk '
    /^#SBATCH/ { if (begun) { print FILENAME ":" FNR ": behind the first command, sbatch ignores this"; bad = 1 } next }
    /^[ \t]*(#|$)/ { next }
    { begun = 1 }
    END { exit bad }' "$1"
}

# The dashboard is JSON, its panels are numbered in order and do not overlap. Its queries go into a file of
# rules, so that promtool reads them.
dashboard() {
  python3 - deploy/grafana/fqm-pipe.json "$work/queries.json" <<'PYTHON'
import json, sys

panels = json.load(open(sys.argv[1]))["panels"]
taken, rules = {}, []
if [panel["id"] for panel in panels] != list(range(1, len(panels) + 1)):
    sys.exit("the ids of the panels are not 1, 2, 3, …")
for panel in panels:
    place = panel["gridPos"]
    if place["x"] + place["w"] > 24:
        sys.exit(f"panel {panel['id']} is wider than the page")
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            if (x, y) in taken:
                sys.exit(f"panels {taken[x, y]} and {panel['id']} overlap")
            taken[x, y] = panel["id"]
    for target in panel.get("targets", []):
        query = target["expr"].replace("$pipeline", "nightly").replace("$__range", "1d")
        rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": query})
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, open(sys.argv[2], "w"))
PYTHON
}

# Every metric that dashboard, alerts and tests speak of must stand in the source, or nobody ever sends it.
metrics() {
  grep -rhoE 'fqm_[a-z_]+' src | sort -u >"$work/sent"
  grep -hoE 'fqm_[a-z_]+' deploy/grafana/*.json deploy/prometheus/*.yml | sort -u >"$work/used"
  comm -13 "$work/sent" "$work/used" | sed 's/$/ is not in src/' >"$work/unknown"
  cat "$work/unknown"
  test ! -s "$work/unknown"
}

# Every resource of every file of a folder against the schemas of Kubernetes: the newest that the tool knows,
# and 1.29, since those before it want `onPodConditions` in every rule of a Job's podFailurePolicy, by a
# mistake that was mended there. The tool's own command passes over kinds that it does not know, lists, and
# files without any resource, so that its library is asked.
manifests() {
  PYTHONPATH=.tools/kubernetes-validate python3 - "$1" <<'PYTHON'
import pathlib, sys, yaml
from kubernetes_validate import utils

def resources(document):
    return document["items"] if document["kind"] == "List" else [document]

bad = False
suffixes = (".yaml", ".yml", ".json")
files = [f for f in sorted(pathlib.Path(sys.argv[1]).rglob("*")) if f.suffix in suffixes]
for file in files:
    found = 0
    try:
        for document in filter(None, yaml.safe_load_all(file.read_text())):
            for resource in resources(document):
                found += 1
                for version in "1.29", utils.latest_version():
                    utils.validate(resource, version, strict=True)
        problem = None if found else "it holds no resource"
    except utils.ValidationError as error:
        name = utils.kn(resource)
        problem = f"{name}, {error.version}: {'.'.join(map(str, error.path))}: {error.message}"
    except Exception as error:
        problem = getattr(error, "message", f"{type(error).__name__}: {error}")
    if problem:
        print(f"{file}: {problem}")
        bad = True
sys.exit("it holds no manifest" if not files else bad)
PYTHON
}

# A check that refuses nothing would show nothing.
manifests_spoiled() {
  for file in deploy/kubernetes/*.yaml deploy/kubernetes/*.yml deploy/kubernetes/*.json; do
    [ -f "$file" ] || continue
    rm -rf "$work/spoiled"
    mkdir "$work/spoiled"
    sed 's/\(metadata"\{0,1\}\):/\1s:/' "$file" >"$work/spoiled/${file##*/}"
    if manifests "$work/spoiled"; then
      echo "$file passes with a key that Kubernetes does not know"
      return 1
    fi
  done
}

if have python3; then
  check "dashboard" dashboard
else
  skip "dashboard" "python3 is not there"
fi

if have promtool; then
  check "alerts" promtool check rules deploy/prometheus/alerts.yml
  check "tests of the alerts" promtool test rules deploy/prometheus/alerts.test.yml
  check "scrape configuration" promtool check config deploy/prometheus/scrape.yml
  if [ -f "$work/queries.json" ]; then
    check "queries of the dashboard" promtool check rules "$work/queries.json"
  fi
else
  skip "alerts, their tests, scrape configuration, queries" "promtool is not there (Debian: prometheus)"
fi

if grep -rqs 'fqm_run_exit_code' src; then
  check "names of metrics" metrics
else
  skip "names of metrics" "src/ sends none"
fi

if have systemd-analyze; then
  check "systemd units" units
else
  skip "systemd units" "systemd-analyze is not there"
fi

check "crontab" crontab_file deploy/crontab
check "Slurm batch file" batch_file deploy/slurm/nightly.sbatch

if [ ! -d deploy/kubernetes ]; then
  skip "Kubernetes manifests" "deploy/kubernetes is not there"
elif [ -f .tools/kubernetes-validate/version ]; then
  check "Kubernetes manifests" manifests deploy/kubernetes
  check "Kubernetes manifests, spoiled" manifests_spoiled
else
  skip "Kubernetes manifests" "kubernetes-validate is not there (scripts/peers.sh)"
fi

if have hadolint; then
  check "Dockerfile" hadolint deploy/Dockerfile
elif have docker && docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  check "Dockerfile" docker build --check -f deploy/Dockerfile .
else
  skip "Dockerfile" "neither hadolint nor docker with buildx and a daemon is there"
fi

exit "$failed"
