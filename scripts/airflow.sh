#!/bin/sh
# A real Airflow for the tests of exported pipelines; they skip with a message where it is not there.
#   scripts/airflow.sh install       puts it into .tools/airflow
#   scripts/airflow.sh start DIR     starts it with its home in DIR, and returns when it is healthy
#   scripts/airflow.sh stop DIR      ends everything that was started for DIR, and what that started
# `start` prints what a client sets: AIRFLOW_HOME, which is all that the command `airflow` needs, the
# command itself, and the address of the API. DAGs are read from DIR/dags.
set -eu
cd "$(dirname "$0")/.."

tools=$PWD/.tools
# Airflow is meant to be installed with a list of a hundred versions from its own site, which cannot
# be counted on. These are the versions that it was tried with and leans on most; pip finds the others.
VERSION=3.3.2
PINS="apache-airflow==$VERSION apache-airflow-providers-standard==1.21.0 sqlalchemy==2.1.9
  alembic==1.20.1 fastapi==0.136.3 starlette==1.10.0 cadwyn==7.0.0 pydantic==2.14.3
  structlog==26.1.0 uvicorn==0.54.0 croniter==7.0.0"

fail() {
  echo "airflow.sh: $*" >&2
  exit 1
}

install() {
  if [ "$(cat "$tools/airflow/version" 2>/dev/null)" = "$VERSION" ]; then
    return
  fi
  echo "airflow: installing Airflow $VERSION, which the tests of exported pipelines run: 290 MB on disk"
  rm -rf "$tools/airflow"
  mkdir -p "$tools"
  # A venv names its own place in its programs, so that it cannot be made elsewhere and moved here.
  python3 -m venv "$tools/airflow" ||
    fail "python3 has no venv (on Debian it is the package python3-venv); Airflow stays out, and its tests skip"
  # shellcheck disable=SC2086 # the pins are words
  "$tools/airflow/bin/python" -m pip install --quiet --disable-pip-version-check $PINS
  echo "$VERSION" > "$tools/airflow/version"
}

# The processes that carry the mark of this home. A task runs in a session of its own and outlives
# its parent, so that neither process groups nor parents find all of them; the environment does.
# The search itself must not carry the mark.
marked() {
  FQM_AIRFLOW='' grep -lzsxF "FQM_AIRFLOW=$1" /proc/[0-9]*/environ | cut -d / -f 3 | tr '\n' ' '
}

stop() {
  for signal in TERM KILL; do
    tries=0
    while pids=$(marked "$1") && [ -n "$pids" ] && [ "$tries" -lt 50 ]; do
      # Once is enough: a second signal has the scheduler give up its own way of ending.
      # shellcheck disable=SC2086
      [ "$tries" -gt 0 ] || kill -s "$signal" $pids 2>/dev/null || true
      tries=$((tries + 1))
      sleep 0.1
    done
  done
  [ -z "$pids" ] || fail "these processes of $1 do not end: $pids"
}

# Prints the tails of what the components said, and gives up.
give_up() {
  tail -n 20 "$1"/*.out >&2
  stop "$1"
  fail "$2"
}

start() {
  [ -f "$tools/airflow/version" ] || fail "Airflow is not there; scripts/airflow.sh install"
  [ -z "$(marked "$1")" ] || fail "it runs already for $1"
  mkdir -p "$1/dags"
  python=$tools/airflow/bin/python
  port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  secret=$("$python" -c 'import secrets; print(secrets.token_hex(32))')
  # All parts read this one file, and so does every client with the same AIRFLOW_HOME. Everybody on
  # this machine is an administrator, for there is nothing in here to guard. What is once in minutes
  # by default is here once in a second or two, so that tests see it.
  (umask 077 && cat > "$1/airflow.cfg") <<CONFIG
[core]
dags_folder = $1/dags
executor = LocalExecutor
parallelism = 4
load_examples = False
dags_are_paused_at_creation = False
min_serialized_dag_update_interval = 1
execution_api_server_url = http://127.0.0.1:$port/execution/
simple_auth_manager_all_admins = True
[database]
sql_alchemy_conn = sqlite:///$1/airflow.db
[logging]
base_log_folder = $1/logs
[api]
host = 127.0.0.1
port = $port
base_url = http://127.0.0.1:$port
secret_key = $secret
[api_auth]
jwt_secret = $secret
[scheduler]
scheduler_heartbeat_sec = 1
scheduler_idle_sleep_time = 0.2
task_instance_heartbeat_sec = 1
task_instance_heartbeat_timeout = 10
task_instance_heartbeat_timeout_detection_interval = 2
orphaned_tasks_check_interval = 5
enable_health_check = False
[workers]
min_heartbeat_interval = 1
[dag_processor]
refresh_interval = 1
bundle_refresh_check_interval = 1
min_file_process_interval = 1
[usage_data_collection]
enabled = False
CONFIG
  airflow=$tools/airflow/bin/airflow
  AIRFLOW_HOME=$1 FQM_AIRFLOW=$1
  # Without it a process that writes its title does so over the mark.
  SPT_NOENV=1
  export AIRFLOW_HOME FQM_AIRFLOW SPT_NOENV
  "$airflow" db migrate > "$1/db.out" 2>&1 || give_up "$1" "the database could not be made"
  for part in api-server dag-processor scheduler; do
    more=
    # Its server of logs would listen on all addresses, and nobody reads them there.
    [ "$part" != scheduler ] || more=--skip-serve-logs
    # Not in the shell's own group: an interrupt of the tests would reach it.
    # shellcheck disable=SC2086
    setsid "$airflow" "$part" $more > "$1/$part.out" 2>&1 < /dev/null &
  done
  "$python" - "http://127.0.0.1:$port/api/v2/monitor/health" <<'HEALTH' || give_up "$1" "not healthy after 90 s"
import json, sys, time, urllib.request

end = time.monotonic() + 90
while time.monotonic() < end:
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
            parts = json.load(answer)
        if all(parts[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor")):
            sys.exit(0)
    except (OSError, ValueError):
        pass
    time.sleep(0.2)
sys.exit(1)
HEALTH
  echo "AIRFLOW_HOME=$1"
  echo "AIRFLOW=$airflow"
  echo "AIRFLOW_URL=http://127.0.0.1:$port"
}

usage="usage: scripts/airflow.sh install | start DIR | stop DIR"
[ "$#" -ge 1 ] || fail "$usage"
case "$1 $#" in
  "install 1") install ;;
  "start 2" | "stop 2")
    [ "$1" = stop ] || mkdir -p "$2"
    [ ! -d "$2" ] || "$1" "$(cd "$2" && pwd -P)"
    ;;
  *) fail "$usage" ;;
esac
