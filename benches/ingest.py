#!/usr/bin/env python3
"""Ingest beside DuckDB: MB of native step JSONL per CPU-second, both in the same run.

The two do not do the same. `fqm-pipe` checks every record against its schema, scrubs secrets and
structured personal data, drops repeated ids, sorts records into typed tables and commits those to
Delta, once. DuckDB guesses one wide schema, parses, and writes one Parquet file, with one thread.
Both write zstd. Both are timed as whole processes, by the CPU time that the kernel counts for them,
taking turns.
"""

import argparse
import importlib.util
import sys

import common

PEER = """
import duckdb, sys
source, target = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET threads=1")
connection.execute(
    f"COPY (SELECT * FROM read_json_auto('{source}', format='newline_delimited'))"
    f" TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
)
print(connection.execute(f"SELECT count(*) FROM '{target}'").fetchone()[0])
"""


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--mb", type=int, default=256, help="size of the log (256)")
    options.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    options.add_argument("--episodes", type=int, default=3000, help="episodes played (3000)")
    options = options.parse_args()
    if importlib.util.find_spec("duckdb") is None:
        sys.exit("find duckdb: run `benches/run.sh ingest`, or `pip install duckdb`")

    with common.folder("ingest") as inside:
        place = common.workspace(inside)
        log = place / "logs" / common.DATE / "part-000.jsonl"
        log.parent.mkdir()
        target = f"{inside}/peer.parquet"
        records = common.base_records(inside, options.episodes)
        with open(log, "wb") as file:
            lines = 0
            for block in common.rounds(records, options.mb * common.MB):
                lines += block.count(b"\n")
                file.write(block)
        size = log.stat().st_size
        print(f"{size / common.MB:.0f} MB, {lines} lines", flush=True)

        ours, peers = [], []
        for turn in range(options.rounds):
            child, facts = common.ingest(place)
            taken = facts["episodes"] + facts["steps"] + facts["feedback"]
            if taken != lines or facts["quarantined"] or facts["duplicates"]:
                sys.exit(f"ingest took {taken} of {lines} lines: {facts}")
            ours.append(child)
            peer = common.measure([sys.executable, "-c", PEER, log, target])
            if int(peer.output) != lines:
                sys.exit(f"DuckDB took {peer.output.strip()} of {lines} lines")
            peers.append(peer)
            print(f"turn {turn + 1}: fqm-pipe {child.cpu:.2f} s, DuckDB {peer.cpu:.2f} s", flush=True)

    rate = {}
    rows = []
    for name, children in (("fqm-pipe", ours), ("DuckDB", peers)):
        cpu = common.median(child.cpu for child in children)
        rate[name] = size / common.MB / cpu
        wall = common.median(child.wall for child in children)
        peak = max(child.peak for child in children)
        rows.append([name, f"{rate[name]:.1f}", f"{cpu:.2f}", f"{wall:.2f}", f"{peak / common.MB:.0f}"])
    head = ["", "MB per CPU-second", "CPU s (median)", "wall s (median)", "peak MB"]
    common.table(head, rows)
    print(f"ratio of the medians, fqm-pipe to DuckDB: {rate['fqm-pipe'] / rate['DuckDB']:.2f}")


if __name__ == "__main__":
    main()
