#!/usr/bin/env bash
# Usage: fuzz/run.sh [SECONDS] [TARGET…]: runs each target for so long, from our own files as seeds.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(expression toml_level json_level suite pddl)
# Sanitizers ask for an unstable flag; this makes the stable compiler take it.
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
  corpus=fuzz/corpus/$target
  mkdir -p "$corpus"
  case $target in
    toml_level) cp levels/hand/*.toml "$corpus" ;;
    suite) cp levels/*.toml "$corpus" ;;
    *) cp "fuzz/seeds/$target"/* "$corpus" ;;
  esac
  cargo fuzz run --fuzz-dir fuzz "$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -dict=fuzz/quest.dict -print_final_stats=1
done
