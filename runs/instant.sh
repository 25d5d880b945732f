#!/usr/bin/env bash
# Train the network of `--method instant` from random weights, then put it into the package.
#
#   runs/instant.sh PHOTOS OTHERS PAINTINGS…
#
# PHOTOS is a folder of photographs, OTHERS one of paintings to measure with, and PAINTINGS are folders
# of pictures whose styles are learnt, photographs among them. A run that was stopped is continued.
# About half an hour on two cores that multiply bfloat16.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
photos=${1:?give a folder of photographs} others=${2:?give a folder of paintings to measure with}
shift 2
train=(.venv/bin/python -m tools.instant --photos "$photos" --others "$others" --embed)
"${train[@]}" --paintings "$@" --out runs/instant
# A second time, from there, at lower rates.
[ -e runs/instant/first.safetensors ] ||
  cp impasto/networks/data/instant.safetensors runs/instant/first.safetensors
"${train[@]}" --paintings "$@" --out runs/instant/again --start runs/instant/first.safetensors \
  --steps 2600 --muon-lr 0.006 --adam-lr 0.0006
