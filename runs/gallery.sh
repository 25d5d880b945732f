#!/usr/bin/env bash
# Make the built-in style cards again, after `compact` has changed.
#
#   runs/gallery.sh FOLDER [FOLDER …]      folders that hold the paintings of tools/gallery.py
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
.venv/bin/python -m tools.gallery --pictures "$@"
