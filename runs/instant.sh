#!/usr/bin/env bash
# Train the network of `--method instant` from random weights, then put it into the package.
#
#   runs/instant.sh PHOTOS PAINTINGS OTHERS
#
# PHOTOS and PAINTINGS are folders of pictures to learn from, OTHERS one of paintings to be judged by.
# A run that was stopped goes on where it was. About an hour on two cores that multiply bfloat16.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
photos=${1:?give a folder of photographs} paintings=${2:?} others=${3:?}
.venv/bin/python -m impasto.training.instant \
  --photos "$photos" --paintings "$paintings" --others "$others" --out runs/instant --embed
