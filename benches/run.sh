#!/bin/sh
# Runs the benchmarks in order and prints their tables: all of them, or those that are named.
#   benches/run.sh [simulator] [gym] [planning] [runner] [ingest] [memory] [training] [coverage]
#                  [next-function] [ppo] [act] [twice] [wlgoose] [overhead]
# Needs cargo, python3 and pip, and what `make build` built.
set -eu
cd "$(dirname "$0")/.."

CARGO=${CARGO:-cargo}
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
python=python3

# A peer (its module, then what pip installs) goes into a folder of the build, not into the user's
# Python.
peer() {
  module=$1
  shift
  venv=target/bench-venv
  mkdir -p target
  if [ ! -x "$venv/bin/python" ] && ! python3 -m venv "$venv" >/dev/null 2>&1; then
    rm -rf "$venv"
  fi
  if [ -x "$venv/bin/python" ]; then
    python="$venv/bin/python"
    "$python" -c "import $module" 2>/dev/null ||
      "$python" -m pip install --quiet --disable-pip-version-check "$@" || return 1
  else
    PYTHONPATH="$PWD/target/bench-python${PYTHONPATH:+:$PYTHONPATH}"
    export PYTHONPATH
    python3 -c "import $module" 2>/dev/null ||
      "$(python3 -c 'import sys; print(sys.executable)')" -m pip install --quiet --disable-pip-version-check --target target/bench-python "$@" ||
      return 1
  fi
  "$python" -c "import $module; print('peer:', '$module', $module.__version__)"
}

for name in ${*:-simulator gym planning runner ingest memory training coverage next-function ppo act twice \
  wlgoose overhead}; do
  printf '\n== %s\n' "$name"
  case "$name" in
    # The profile is the one of `make build`: `cargo bench` alone would compile everything anew.
    simulator | runner) "$CARGO" bench --quiet --profile dev --bench "$name" -- --quiet ;;
    gym)
      peer gymnasium gymnasium==1.4.0 numpy==2.4.6
      "$python" benches/gym.py
      ;;
    ingest)
      peer duckdb duckdb==2.0.0
      "$python" benches/ingest.py
      ;;
    planning)
      scripts/peers.sh
      python3 benches/planning.py
      ;;
    next-function) python3 benches/next_function.py ;;
    coverage) python3 benches/coverage.py --leave-out ;;
    ppo)
      # The torch of scripts/libtorch.sh does not load in Python without the CUDA libraries it leaves
      # out; this one is 3 GB that are of no other use here.
      peer gymnasium gymnasium==1.4.0 numpy==2.4.6
      peer torch torch==2.11.0
      peer sb3_contrib sb3-contrib==2.9.2 stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
      "$python" benches/ppo.py
      ;;
    wlgoose)
      peer wlplan wlplan==2.1.0 pddl==0.4.1 numpy==2.4.6
      peer scipy scipy==1.17.1 numpy==2.4.6
      "$python" benches/wlgoose.py
      ;;
    overhead)
      # Every peer in a venv of its own: 2 GB in all, and some minutes.
      python3 benches/overhead.py --ours "$CARGO bench --quiet --profile dev --bench runner -- --lines"
      ;;
    memory | training | act | twice) python3 "benches/$name.py" ;;
    *)
      echo "run.sh: there is no benchmark $name" >&2
      exit 2
      ;;
  esac
done
