"""Read thousands of hostile files with every reader, and print how each took them.

    python runs/fuzz.py [--inputs 12000] [--reader NAME] [--seed 0]

Each reader runs in a separate process, so that a crash ends nothing else; it is stopped, with a
traceback, if one file takes longer than a minute. The files are those of `tests/fuzzing.py`. Exits
with status 1 if a reader crashed, hung, or gave anything but a valid value or one clear message.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 60  # seconds for one file


def main() -> int:
    """Run every reader, one after the other; return the exit status."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]
    from fuzzing import READERS

    options = _options(list(READERS))
    if options.reader:
        _fuzz(options.reader, options.inputs, options.seed)
        return 0
    share = -(-options.inputs // len(READERS))
    print(f"{'reader':24}{'inputs':>8}{'accepted':>10}{'refused':>9}{'slowest':>10}{'peak':>10}")
    failed, total = [], 0
    for name in READERS:
        call = [sys.executable, "-X", "faulthandler", __file__, "--reader", name]
        call += ["--inputs", str(share), "--seed", str(options.seed)]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(name)
            print(f"{name:24}  failed with status {done.returncode}:\n{done.stderr[-3000:]}")
            continue
        figures = json.loads(done.stdout.splitlines()[-1])
        total += figures["inputs"]
        print(
            f"{name:24}{figures['inputs']:8}{figures['accepted']:10}{figures['refused']:9}"
            f"{figures['slowest']:8.2f} s{figures['peak'] / 1e6:7.0f} MB",
            flush=True,
        )
    print(f"{total} inputs; {'failed: ' + ', '.join(failed) if failed else 'none failed'}")
    return int(bool(failed))


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--inputs", type=int, default=12_000, help="files in all")
    parser.add_argument("--reader", choices=names, help="only this one, in this process")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _fuzz(name: str, inputs: int, start: int) -> None:
    """Run one reader in this process; the last line of output is its figures."""
    from hypothesis import HealthCheck, Phase, given, seed, settings

    from fuzzing import READERS, attempt
    from impasto.runtime import peak_memory

    reader = READERS[name]
    seconds, accepted = [], []
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        assert attempt(reader, reader.valid()[0], Path(folder))

        @seed(start)
        @settings(
            max_examples=inputs,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(reader.files)
        def check(content: bytes) -> None:
            faulthandler.dump_traceback_later(_PATIENCE, exit=True)
            began = time.perf_counter()
            accepted.append(attempt(reader, content, Path(folder)))
            seconds.append(time.perf_counter() - began)
            faulthandler.cancel_dump_traceback_later()

        check()
    figures = {
        "inputs": len(accepted),
        "accepted": sum(accepted),
        "refused": len(accepted) - sum(accepted),
        "slowest": max(seconds),
        "peak": peak_memory(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
