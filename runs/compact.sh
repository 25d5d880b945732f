#!/usr/bin/env bash
# Train `compact` from random weights, then put it into the package with its figures.
#
#   runs/compact.sh TEACHER PHOTOS PAINTINGS
#
# TEACHER is `vgg19` (its weights: `impasto weights fetch vgg19`) or the file of a compressed VGG-19
# (Wang et al., CVPR 2020); PHOTOS and PAINTINGS are folders of pictures. A run that was stopped
# is continued. About an hour on two cores that multiply bfloat16.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
teacher=${1:?give vgg19 or the file of a teacher} photos=${2:?} paintings=${3:?}
python=.venv/bin/python
$python -m tools.distil \
  --teacher "$teacher" --photos "$photos" --paintings "$paintings" --out runs/compact
$python -m tools.embed --run runs/compact --teacher "$teacher" --photos "$photos"
