"""The kinds of jobs: what carries out each in its process, and what it leaves.

No kind is named anywhere else: a new one is its row here, and its module. What a job file says only
chooses a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from impasto.config.methods import EntryPoint

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    Attributes:
        carry_out: called with an `Assignment` in the job's process; returns what it has made, or
            None if it was stopped.
        result: the file that people look for, where that is a folder; NAME stands for its name.
            Empty where it is a picture's file.
    """

    carry_out: EntryPoint
    result: str = ""

    def result_in(self, made: Path) -> Path:
        """Return the file that people look for in what a job of this kind has made."""
        return made / self.result.replace("NAME", made.name) if self.result else made


KINDS = {
    "paint": Kind(EntryPoint("impasto.jobs.queue.painting:carry_out")),
    "batch": Kind(EntryPoint("impasto.jobs.queue.batching:carry_out"), "manifest.json"),
    "train": Kind(EntryPoint("impasto.training.queued:carry_out"), "NAME.impasto"),
    "film": Kind(EntryPoint("impasto.jobs.queue.filming:carry_out")),
    "study": Kind(EntryPoint("impasto.evaluation.studies.queued:carry_out"), "index.html"),
}
