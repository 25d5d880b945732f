#!/usr/bin/env bash
# Train the network of `--method instant` on for ten minutes on one large graphics card.
#
#   runs/instant/gpu.sh PHOTOS OTHERS PAINTINGS…    (folders as runs/instant.sh takes them)
#
# To take the pictures there, in a few dozen megabytes:
#   python -m tools.pack --short 288 --out packed PHOTOS
#   python -m tools.pack --short 512 --out packed PAINTINGS OTHERS
#
# OUT      where the weights, the log and the curves go; a run that is there is continued
# MINUTES  that it may take from its start; the rate has fallen to nothing by then
# DEVICE   cuda; `DEVICE=cpu MINUTES=1 BATCH=2 VIEWS=20` tries all of it anywhere
# START    weights to begin with, by default those of the package; `none` for random ones
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
photos=${1:?give a folder of photographs} others=${2:?give a folder of paintings to measure with}
shift 2
out=${OUT:-runs/instant/gpu} start=${START:-impasto/networks/data/instant.safetensors}
begin=(--start "$start")
[ "$start" != none ] || begin=()
export PYTHONPATH=${PYTHONPATH:-.}
"${PYTHON:-.venv/bin/python}" -m tools.instant --photos "$photos" --others "$others" \
  --paintings "$@" --out "$out" "${begin[@]}" --device "${DEVICE:-cuda}" \
  --minutes "${MINUTES:-9}" --steps 100000 --batch "${BATCH:-32}" --crop "${CROP:-224}" \
  --views "${VIEWS:-3000}" --muon-lr "${MUON_LR:-0.01}" --adam-lr 0.001
"${PYTHON:-.venv/bin/python}" - "$out" <<'END'
import sys
from pathlib import Path

from impasto.training.curves import plot_log
from tools.embed import embed

out = Path(sys.argv[1])
embed(out, out / "instant.safetensors")
plot_log(out / "train.jsonl", out / "training.png", "instant, during its training")
END
