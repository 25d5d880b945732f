"""Paint a film: in chunks, each kept as soon as it is painted, and joined in the end.

The result is the same, frame for frame, whether it was stopped in between or not, and whoever
painted which chunk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from impasto.config.recipe import Recipe
from impasto.errors import ImpastoError, RecipeError, ResumeError
from impasto.film.disc import check_room
from impasto.film.folder import FilmFolder, folder_beside, locked_folder
from impasto.film.frame import Frame
from impasto.film.joining import join
from impasto.film.joints import faded, painted_frames
from impasto.film.painting_here import paint_here
from impasto.film.plan import Chunk
from impasto.film.prepared import Film, check_out, prepared
from impasto.film.progress import Outcome, Progress, StoppedError, Tell, Watch
from impasto.film.segments import write_segment
from impasto.film.shots import shots_in
from impasto.film.spec import FilmSpec
from impasto.painting.rerun import take_threads
from impasto.version import __version__

__all__ = ["Hands", "run_film"]

Hands = Callable[[Film, FilmFolder, Sequence[Chunk], Tell], None]
"""Paints chunks of a film into their folders: this process, or the workers of a queue."""

_SMALL = 160  # pixels of the long side of frames in which cuts are looked for

# Shares of the bar: painting takes nearly all of the time.
_FOUND, _PAINTED = 0.02, 0.98


def run_film(spec: FilmSpec, watch: Watch = lambda _: True, hands: Hands = paint_here) -> Outcome:
    """Paint a film.

    Args:
        watch: is called after every frame; when it returns False, the film is stopped. What is
            painted stays in a folder beside it, and `spec.resume` goes on from there.
        hands: what paints the chunks.

    Raises:
        ImpastoError: something cannot be used, before anything is painted; or the disc is full, or
            a frame cannot be painted, with a note where the rest is.
    """
    return _Run(spec, watch, hands).outcome()


class _Run:
    """A film while it is painted."""

    def __init__(self, spec: FilmSpec, watch: Watch, hands: Hands) -> None:
        self._spec, self._watch, self._hands = spec, watch, hands
        self._began = time.monotonic()
        self._kept = 0
        self._missing = 0

    def outcome(self) -> Outcome:
        spec = self._spec
        film = prepared(spec)
        with locked_folder(folder_beside(spec.out)) as folder:
            try:
                film = self._begun(film, folder)
                path: Path | None = self._made(film, folder)
            except StoppedError:
                path = None
            except (ImpastoError, OSError) as error:
                self._point_to(folder, error)
                raise
            if path is not None:
                folder.remove()
            return self._outcome(film, folder, path)

    # Where it begins

    def _begun(self, film: Film, folder: FilmFolder) -> Film:
        """Return the film in chunks, in a folder that is its own: a new one, or that of before."""
        spec = self._spec
        check_out(spec.out, force=spec.force)
        if spec.resume and folder.has_film:
            return self._continued(film, folder)
        if spec.resume:
            self._tell(0.0, "looking at the film", note=f"nothing was begun in {folder.path}")
        folder.check_free(force=spec.force)
        film = film.divided(self._shots(film))
        check_room(film.room, folder.path)
        shots = [[chunk.shot[0], chunk.shot[1]] for chunk in film.chunks]
        folder.begin({"recipe": film.recipe.to_dict(), "shots": shots})
        return film

    def _continued(self, film: Film, folder: FilmFolder) -> Film:
        """Return the film as it was divided, to be painted with as many threads as then.

        Raises:
            ResumeError: it was another film.
        """
        record = folder.open()
        then = record["recipe"]
        try:
            changes = film.recipe.changes(then)
            threads = Recipe.from_dict(then["painting"]) if then["painting"] else None
            shots = [range(*shot) for shot in dict.fromkeys(map(tuple, record["shots"]))]
        except (KeyError, TypeError, ValueError, AttributeError, RecipeError) as error:
            raise ResumeError(
                f"The record in {folder.path} is damaged. --force without --resume begins again."
            ) from error
        if changes:
            raise ResumeError(
                f"{folder.path} holds another film: {'; '.join(changes)}. Repeat the command as it "
                "was; --force without --resume begins again."
            )
        if (version := then.get("version")) != __version__:
            note = f"begun by Impasto {version}, this is {__version__}: pixels may differ"
            self._tell(0.0, "looking at the film", note=note)
        if threads is not None:
            take_threads(threads)
        return film.divided(shots)

    def _shots(self, film: Film) -> list[range]:
        return shots_in(self._looked_at(film))

    def _looked_at(self, film: Film) -> Iterator[Frame]:
        """Yield small frames, and tell how far that is."""
        frames = film.frames
        for frame in film.clip.frames(frames.start, frames.stop, _SMALL):
            done = (frame.index - frames.start) / len(frames)
            self._tell(_FOUND * done, "looking for cuts")
            yield frame

    # Painting and joining

    def _made(self, film: Film, folder: FilmFolder) -> Path:
        """Paint what is missing, and join all of it."""
        left = [chunk for chunk in film.chunks if not folder.chunk(chunk).is_done]
        self._kept = len(film.chunks) - len(left)
        share = sum(len(c.frames) for c in left) / max(1, sum(len(c.frames) for c in film.chunks))

        def tell(done: float, place: str, frame: Frame | None = None) -> None:
            painted = 1 - share + share * done
            self._tell(_FOUND + (_PAINTED - _FOUND) * painted, place, frame)

        self._hands(film, folder, left, tell)
        seen = {i for c in film.chunks for i in c.frames} - {
            i for c in film.chunks for i in folder.chunk(c).missing
        }
        self._missing = len(set(film.frames) - seen)
        self._tell(_PAINTED, "joining")
        return self._joined(film, folder)

    def _joined(self, film: Film, folder: FilmFolder) -> Path:
        """Join what was painted, in the order of its frames."""
        segments: list[Path] = []
        for chunk in film.chunks:
            if (body := folder.chunk(chunk).segment("body")).exists():
                segments.append(body)
            if chunk.tail:
                after = film.chunks[chunk.number + 1]
                segments += self._joint(film, folder, chunk, after)
        out, recipe = film.spec.out, film.recipe.to_json() if film.spec.settings.recipe else None
        join(
            segments, film.clip, out, film.film_format, film.frames.start, film.frames.stop, recipe
        )
        return out

    def _joint(self, film: Film, folder: FilmFolder, chunk: Chunk, after: Chunk) -> list[Path]:
        """Fade a chunk's end into the next one's beginning; return the file, if there is any."""
        tail = folder.chunk(chunk).segment("tail")
        head = folder.chunk(after).segment("head")
        if not tail.exists():  # no frame of the overlap could be decoded
            return []
        frames = faded(painted_frames(tail), painted_frames(head), chunk.tail)
        write_segment(folder.joint(chunk), frames, film.clip.info, film.film_format)
        return [folder.joint(chunk)]

    # What is told

    def _tell(self, done: float, place: str, frame: Frame | None = None, note: str = "") -> None:
        """Tell how far the film is.

        Raises:
            StoppedError: it is to be stopped.
        """
        if not self._watch(Progress(done, place, frame, note)):
            raise StoppedError

    def _point_to(self, folder: FilmFolder, error: BaseException) -> None:
        """Add to an error what is left of the film."""
        if not folder.has_film:
            return
        if any(folder.path.glob("*/done.json")):
            error.add_note(
                f"What is painted is kept in {folder.path}: the same command with --resume goes on."
            )
        elif not self._spec.resume:
            folder.remove()

    def _outcome(self, film: Film, folder: FilmFolder, path: Path | None) -> Outcome:
        height, width = film.clip.sides(film.size)
        return Outcome(
            path=path,
            folder=folder.path if folder.has_film else None,
            width=width,
            height=height,
            frames=len(film.frames) - self._missing,
            missing=self._missing,
            chunks=len(film.chunks),
            kept=self._kept,
            seconds=time.monotonic() - self._began,
            recipe=film.recipe,
        )
