#!/usr/bin/env python3
"""Peak memory of ingest, then of the whole night, on inputs far larger than they may take: fails where
one passes 1 GB.

A JSONL file of 1 GB, one JSON array of 1 GB on a single line, and a gzip file that expands to 5 GB.
The peak is that of the largest process, children included, as the kernel counts it.
"""

import argparse
import gzip
import sys

import common

LIMIT = 1000 * common.MB


def jsonl(path, blocks):
    with open(path, "wb") as file:
        for block in blocks:
            file.write(block)


def array(path, blocks):
    with open(path, "wb") as file:
        joint = b"["
        for block in blocks:
            file.write(joint + block.rstrip(b"\n").replace(b"\n", b","))
            joint = b","
        file.write(b"]")


def packed(path, blocks):
    with gzip.open(path, "wb", compresslevel=1) as file:
        for block in blocks:
            file.write(block)


CASES = [
    ("JSONL", "part-000.jsonl", jsonl, 1000),
    ("one JSON array", "part-000.json", array, 1000),
    ("gzip", "part-000.jsonl.gz", packed, 5000),
]


def counted(blocks, lines):
    for block in blocks:
        lines.append(block.count(b"\n"))
        yield block


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--scale", type=float, default=1.0, help="of the sizes, for a trial (1)")
    options.add_argument("--episodes", type=int, default=3000, help="episodes played (3000)")
    options = options.parse_args()

    rows, over = [], False
    with common.folder("memory") as inside:
        records = common.base_records(inside, options.episodes)
        for name, file, write, megabytes in CASES:
            place = common.workspace(inside, file.replace(".", "-"))
            log = place / "logs" / common.DATE / file
            log.parent.mkdir()
            size, lines = int(megabytes * options.scale * common.MB), []
            write(log, counted(common.rounds(records, size), lines))
            on_disk = log.stat().st_size
            child, facts = common.ingest(place)
            run = ["run", "nightly", "--date", common.DATE, "--workspace", place]
            night = common.measure([common.program(), *run])
            log.unlink()
            taken = facts["episodes"] + facts["steps"] + facts["feedback"]
            if taken != sum(lines):
                sys.exit(f"{name}: ingest took {taken} of {sum(lines)} records: {facts}")
            over |= max(child.peak, night.peak) > LIMIT
            row = [f"{size / common.MB:.0f}", f"{on_disk / common.MB:.0f}", f"{taken}"]
            row += [f"{child.peak / common.MB:.0f}", f"{child.cpu:.1f}"]
            row += [f"{night.peak / common.MB:.0f}", f"{night.cpu:.1f}"]
            rows.append([name, *row])
            peaks = f"{child.peak / common.MB:.0f} MB, night {night.peak / common.MB:.0f} MB"
            print(f"{name}: {peaks}", flush=True)
    head = ["input", "MB", "MB on disk", "records", "ingest peak MB", "CPU s", "night peak MB", "CPU s"]
    common.table(head, rows)
    if over:
        sys.exit(f"peak memory is over {LIMIT // common.MB} MB")


if __name__ == "__main__":
    main()
