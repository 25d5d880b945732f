"""What the import hook checks annotations with (named in pyproject's `addopts`)."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

# PEP 484's rule that an int will do where a float is written, which type checkers follow too.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
