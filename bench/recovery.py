"""How many failed payments recover by themselves (R9): seeds and mixes go in, shares and what became of each kind come out. No clock in it.

    .venv/bin/python bench/recovery.py [--first 1] [--worlds 20] [--mix field]

The same seeds give the same figures on every machine. docs/recovery.md states the mixes and the figures.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from makewhole.rehearsal import failures  # noqa: E402
from makewhole.sandbox import lightkeys  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "recovery.json"
MIXES = {"field": failures.FIELD, "reports": failures.REPORTS, "even": failures.EVEN}


def measured(mix: str, first: int, worlds: int) -> dict[str, Any]:
    """Many worlds of one mix."""
    total = failures.Measured()
    with tempfile.TemporaryDirectory(prefix="makewhole-recovery-") as folder, lightkeys.used():
        for seed in range(first, first + worlds):
            total.add(failures.play(seed, Path(folder) / "world", mix=MIXES[mix]))
            print(f"{mix} seed {seed}: {total.recovered} of {total.failures}, {total.wrong} wrong", flush=True)
    told = {f.name: getattr(total, f.name) for f in dataclasses.fields(total) if f.name not in {"breaches", "kinds"}}
    kinds = {name: dataclasses.asdict(kind) for name, kind in sorted(total.kinds.items())}
    return {
        "seeds": [first, first + worlds - 1],
        "share": round(total.share(), 4),
        **told,
        "laws_broken": len(total.breaches),
        "kinds": kinds,
    }


def main() -> None:
    """Measure, and remember beside what was measured of the other mixes."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--first", type=int, default=1)
    asked.add_argument("--worlds", type=int, default=20)
    asked.add_argument("--mix", choices=MIXES, action="append")
    given = asked.parse_args()
    # Trouble is the point here, and not news.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    for mix in given.mix or MIXES:
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        found = measured(mix, given.first, given.worlds)
        RESULTS.write_text(json.dumps({**known, mix: found}, indent=2) + "\n")
        print(f"{mix}: {found['share']:.1%} of {found['failures']}, {found['wrong']} wrong repairs, {found['laws_broken']} laws broken")


if __name__ == "__main__":
    main()
