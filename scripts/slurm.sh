#!/bin/sh
# A Slurm cluster on this machine for the tests, without systemd, cgroups or accounting:
#
#   slurm.sh install     gets Slurm and munge from the distribution
#   slurm.sh start DIR   makes a cluster in DIR, or starts again what has died of it
#   slurm.sh stop DIR    ends its jobs and daemons, and leaves its files
#
# `start` prints the variable that sbatch and its like need to find the cluster. Several clusters can
# run at a time. Nothing outside DIR is read or written.
set -eu

die() {
  echo "slurm: $1" >&2
  exit 1
}

installed() {
  for program in sbatch slurmctld slurmd munged; do
    command -v "$program" >/dev/null || return 1
  done
}

install() {
  installed && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
    die "sbatch, slurmctld, slurmd and munged are not all there, and only root with apt can install them"
  echo "slurm: installing slurm-wlm and munge, a batch system for the tests: 4 MB to get, 14 MB on disk"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
}

# The process that the pid file of a daemon names. After a crash its number may have gone to a process
# of somebody else, so it counts only where its command line names this cluster.
running() {
  pid=$(cat "$dir/$1.pid" 2>/dev/null) && grep -qF "$dir/" "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

# Three ports in a row on which nobody listens, below those that the kernel gives to clients. They
# start anywhere, so that clusters that start at the same moment do not pick the same.
ports() {
  while :; do
    first=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 7000 * 3))
    used=$(printf ':%04X |:%04X |:%04X ' "$first" $((first + 1)) $((first + 2)))
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qE "$used" || break
  done
}

configure() {
  ports
  host=$(uname -n | cut -d. -f1)
  user=$(id -un)
  od -An -N64 -tx1 /dev/urandom | tr -d ' \n' >"$dir/munge.key"
  chmod 600 "$dir/munge.key"
  # Something that is a device has to stand for each GPU.
  printf 'Name=gpu File=/dev/%s\n' null zero >"$dir/gres.conf"
  cat >"$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$first
SlurmUser=$user
SlurmdUser=$user
AuthInfo=socket=$dir/munge.socket,cred_expire=10
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log

# A container has neither cgroups nor the limits of a login.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
PropagateResourceLimits=NONE

# Jobs start at once and beside each other, and what they ask for is counted but not enforced. The
# nodes claim more than a small machine has.
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first + 1)) CPUs=8 RealMemory=16000 Gres=gpu:2
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first + 2)) CPUs=8 RealMemory=16000 Gres=gpu:2
PartitionName=tests Nodes=n[1-2] Default=YES MaxTime=INFINITE

# What dies is noticed in seconds, a node that comes back is used again, and an ended job can be asked
# about for ten minutes. A job that lost its node waits for cred_expire, two minutes by default, before
# it starts again.
MessageTimeout=5
SlurmdTimeout=10
KillWait=2
ReturnToService=2
MinJobAge=600
CONF
}

# The daemons that are not running; munge first, without which the others cannot talk.
daemons() {
  running munged >/dev/null ||
    munged --force --socket="$dir/munge.socket" --key-file="$dir/munge.key" --seed-file="$dir/munge.seed" \
      --pid-file="$dir/munged.pid" --log-file="$dir/munged.log"
  running slurmctld >/dev/null || slurmctld -f "$dir/slurm.conf"
  for node in n1 n2; do
    running "slurmd.$node" >/dev/null || slurmd -f "$dir/slurm.conf" -N "$node"
  done
}

# A node that the controller remembers as idle need not be back, so that its daemon is asked for too.
ready() {
  for daemon in munged slurmctld slurmd.n1 slurmd.n2; do
    running "$daemon" >/dev/null || return 1
  done
  # A controller that lost its memory may give a number twice, and drains the node that knows it.
  drained=$(sinfo -h -N -t drain -o %N | paste -s -d , -)
  [ -z "$drained" ] || scontrol update NodeName="$drained" State=RESUME
  [ "$(sinfo -h -N -o %T | grep -cE '^(idle|mixed|allocated)$')" = 2 ]
}

start() {
  installed || die "Slurm is not installed; scripts/slurm.sh install does that"
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  [ ${#dir} -le 80 ] || die "$dir is too long for the address of a socket"
  mkdir -p "$dir/state" "$dir/spool.n1" "$dir/spool.n2"
  [ -f "$dir/slurm.conf" ] || configure
  export SLURM_CONF="$dir/slurm.conf"
  daemons >>"$dir/start.log" 2>&1 </dev/null || true
  end=$(($(date +%s) + 30))
  until ready 2>>"$dir/start.log"; do
    if [ "$(date +%s)" -ge "$end" ]; then
      tail -n 20 "$dir"/*.log >&2
      die "the cluster in $dir is not ready after 30 seconds"
    fi
    sleep 0.1
  done
  echo "SLURM_CONF=$SLURM_CONF"
}

# The processes of the jobs, which outlive the daemons. A supervisor is known by the log of its node,
# which it has open, and what it started by its environment.
job_processes() {
  grep -lzxF "SLURM_CONF=$dir/slurm.conf" /proc/[0-9]*/environ | xargs -r grep -lz '^SLURM_JOB_ID=' | cut -d/ -f3
  for process in $(grep -l '^slurmstepd: ' /proc/[0-9]*/cmdline | cut -d/ -f3); do
    readlink /proc/"$process"/fd/* | grep -qF "$dir/slurmd." && echo "$process" || true
  done
}

# First what starts jobs, then the jobs, and munge last, through which the others talk. A daemon may
# write down its state, for five seconds; a job is killed.
stop() {
  dir=$(cd "$1" 2>/dev/null && pwd) || return 0
  for what in daemons jobs munge; do
    for try in $(seq 60); do
      case $what in
        daemons) left=$(for name in slurmctld slurmd.n1 slurmd.n2; do running "$name" || true; done) ;;
        jobs) left=$(job_processes 2>/dev/null) ;;
        munge) left=$(running munged || true) ;;
      esac
      [ -n "$left" ] || break
      case $what$try in
        jobs* | *50) signal=KILL ;;
        *) signal=TERM ;;
      esac
      kill -s $signal $left 2>/dev/null || true
      sleep 0.1
    done
  done
}

case "${1:-} ${2:+DIR}" in
  "install ") install ;;
  "start DIR" | "stop DIR") "$1" "$2" ;;
  *) die "usage: slurm.sh install | start DIR | stop DIR" ;;
esac
