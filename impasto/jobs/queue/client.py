"""The queue as commands see it: jobs are put into it, listed, cancelled, paused and tried again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from impasto.errors import ImpastoError, JobError
from impasto.jobs.queue import engine
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.heartbeat import Watcher
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder, new_id
from impasto.jobs.queue.kinds import KINDS
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work
from impasto.version import __version__

__all__ = ["NEXT", "USUAL", "JobQueue", "JobState", "State"]

USUAL, NEXT = 10, 1
"""Priorities: of a job, and of one that is to run next. The lower runs sooner."""

State = Literal["waiting", "running", "interrupted", "done", "failed", "cancelled", "paused"]
Returned = TypeVar("Returned")

_STATES: dict[str, State] = {
    "ENQUEUED": "waiting",
    "DELAYED": "waiting",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}
_RETRY = 1.0  # seconds between two attempts to reach the database
_ATTEMPTS = 3  # to make its tables


@dataclass(frozen=True)
class JobState:
    """Where a job is.

    Attributes:
        state: as the database knows it; `interrupted` if its worker is dead.
        executor: the worker that has or had it.
        version: of Impasto, whose workers alone take it.
        began: when it was made, in milliseconds since 1970, by the database's clock.
        message: why it failed.
        device: `any`, or the kind of device that it waits for.
        kind: a row of `kinds.KINDS`.
    """

    id: str
    title: str
    state: State
    executor: str
    priority: int
    version: str
    began: int
    message: str = ""
    device: str = "any"
    kind: str = "paint"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in ("done", "failed", "cancelled", "paused")


class JobQueue:
    """A queue, and the folder of its jobs.

    Args:
        note: is called with a message while the database cannot be reached. Every call waits until
            it is there again.
        gives_up: returns whether to wait no longer, and raise what is wrong.
    """

    def __init__(
        self,
        address: Address,
        store: Store,
        note: Callable[[str], None] = lambda _: None,
        gives_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self.address, self.store, self._note = address, store, note
        self._gives_up = gives_up
        self._names = engine.queue_names(store.name)
        self._client: Any = None

    def __enter__(self) -> JobQueue:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Wait for the database, and make its tables if they are missing.

        Raises:
            ImpastoError: it refuses us, or DBOS is not installed.
        """
        dbos = engine.load()
        self.address.prepare()
        self.close()  # that of a try before
        self._client = dbos.DBOSClient(
            system_database_url=self.address.url,
            application_name=engine.application(self.store.name),
            serializer=dbos.DBOSPortableJSONSerializer(),
            lazy=True,
            retry_connection_errors=False,
            system_database_pool_size=1,
        )
        # Always: another process may be half through with it, for which this waits.
        for attempt in range(_ATTEMPTS):
            try:
                self._call(dbos.DBOS.migrate, self.address.url)
                return
            except JobError:  # as where two processes make the same database at once
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_RETRY)

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.destroy()
            self._client = None

    # Jobs

    def submit(self, job: Job | Work, note: Callable[[str], None] = lambda _: None) -> str:
        """Put a job into the queue; return its ID.

        Args:
            note: is called with the ID before anybody can take the job.

        Raises:
            JobError: its folder cannot be written.
        """
        while True:
            id = new_id()
            with contextlib.suppress(FileExistsError):
                JobFolder(self.store, id).make(job)
                break
        note(id)
        self._enqueue(id, job, USUAL)
        return id

    def jobs(self, limit: int | None = None) -> list[JobState]:
        """Return the latest jobs, from the first to the last.

        Args:
            limit: how many.
        """
        rows = self._call(
            self._client.list_workflows,
            name=engine.WORKFLOW,
            application_name=engine.application(self.store.name),
            load_input=False,
            limit=limit,
            sort_desc=True,
        )
        watcher = Watcher(self.store.workers)
        return [_state_of(row, watcher) for row in reversed(rows)]

    def job(self, id: str) -> JobState:
        """Return where a job is.

        Raises:
            JobError: there is none of this ID.
        """
        row = self._row(id)
        if row is None:
            raise JobError(
                f"There is no job {id!r:.80} in the queue {self.address}: `impasto jobs list` "
                "shows those that there are."
            )
        return _state_of(row, Watcher(self.store.workers))

    def states(self, ids: list[str]) -> list[JobState]:
        """Return where some jobs are; those that the database does not know are left out."""
        rows = self._call(self._client.list_workflows, workflow_ids=ids, load_input=False)
        watcher = Watcher(self.store.workers)
        return [_state_of(row, watcher) for row in rows]

    def cancel(self, id: str) -> JobState:
        """End a job; what was painted stays in its folder. Return where it is then.

        Raises:
            JobError: it is over, or unknown.
        """
        return self._stop(id, paused=False)

    def pause(self, id: str) -> JobState:
        """End a job so that `retry` continues it; return where it is then.

        Raises:
            JobError: it is over, or unknown.
        """
        return self._stop(id, paused=True)

    def retry(self, id: str) -> JobState:
        """Put a job that is over, or waits for another version, into the queue again.

        It continues from its last state, by workers of this version.

        Raises:
            JobError: it is done, runs or waits, or is unknown.
        """
        if self._row(id) is None and (JobFolder(self.store, id).path / "job.json").exists():
            # Between two steps of `_again` its process was killed, or the database was lost.
            self._enqueue(id, JobFolder(self.store, id).job(), USUAL)
            return self.job(id)
        state = self.job(id)
        if not state.is_over and state.version == __version__:
            raise JobError(f"The job {id} is {state.state}: there is nothing to try again.")
        if state.state == "done":
            raise JobError(f"The job {id} is done: `impasto jobs show {id}` says where it is.")
        if state.state == "running":
            raise JobError(f"The job {id} runs, by Impasto {state.version}: cancel it first.")
        return self._again(id, USUAL)

    def next(self, id: str) -> JobState:
        """Let a job that waits run before all others that wait; return where it is then.

        Raises:
            JobError: it does not wait, or is unknown.
        """
        state = self.job(id)
        if state.state != "waiting":
            raise JobError(f"The job {id} is {state.state}: only one that waits can be the next.")
        return self._again(id, NEXT)

    def others(self) -> int:
        """Return how many jobs of this database wait that have their files in other folders."""
        rows = self._call(
            self._client.list_workflows,
            name=engine.WORKFLOW,
            status=["ENQUEUED", "PENDING"],
            load_input=False,
            load_output=False,
            limit=1000,
        )
        ours = engine.application(self.store.name)
        return sum(row.application_name != ours for row in rows)

    # What workers need

    def running(self, executor: str | None = None) -> list[JobState]:
        """Return the jobs that some worker has, dead or alive.

        Args:
            executor: only those of this one.
        """
        rows = self._call(
            self._client.list_workflows,
            name=engine.WORKFLOW,
            application_name=engine.application(self.store.name),
            status="PENDING",
            executor_id=executor,
            load_input=False,
            load_output=False,
        )
        return [_state_of(row) for row in rows]

    def waiting(self) -> list[JobState]:
        """Return the jobs that nobody has taken yet."""
        rows = self._call(
            self._client.list_workflows,
            name=engine.WORKFLOW,
            application_name=engine.application(self.store.name),
            status="ENQUEUED",
            load_input=False,
            load_output=False,
            limit=1000,
        )
        return [_state_of(row) for row in rows]

    def now(self, id: str) -> JobState | None:
        """Return where a job is, without waiting for the database.

        Raises:
            JobError: the database cannot be reached.
        """
        try:
            rows = self._client.list_workflows(workflow_ids=[id], load_input=False)
        except Exception as error:
            raise engine.unreachable(self.address, error) from error
        return _state_of(rows[0]) if rows else None

    def put_back(self, state: JobState) -> None:
        """Put a job back that a worker had, unless another has it by now."""
        now = self._row(state.id)
        if now is not None and now.status == "PENDING" and now.executor_id == state.executor:
            self._call(self._client.resume_workflow, state.id, queue_name=now.queue_name)

    # The database

    def _enqueue(self, id: str, job: Job | Work, priority: int) -> None:
        device = self._device(job)
        options = {
            "queue_name": self._names[device],
            "workflow_name": engine.WORKFLOW,
            "workflow_id": id,
            "priority": priority,
            "app_version": engine.version_name(self.store.name, __version__),
            "attributes": {"title": job.title, "device": device, "kind": job.kind},
        }
        self._call(self._client.enqueue, options, id)

    def _device(self, job: Job | Work) -> str:
        """Return which queue a job goes into: whoever is free takes one that names no device."""
        device = job.device.partition(":")[0]
        return device if device in self._names else "any"

    def _again(self, id: str, priority: int) -> JobState:
        # The job is in its folder: if this is killed in between, `retry` finds it there.
        job = JobFolder(self.store, id).job()
        self._call(self._client.cancel_workflow, id)
        self._call(self._client.delete_workflow, id)
        self._enqueue(id, job, priority)
        return self.job(id)

    def _stop(self, id: str, *, paused: bool) -> JobState:
        state = self.job(id)
        if state.is_over and not (state.state == "paused" and not paused):
            raise JobError(f"The job {id} is {state.state} already.")
        self._call(self._client.update_workflow_attributes, id, {"paused": paused}, merge=True)
        self._call(self._client.cancel_workflow, id)
        return self.job(id)

    def _row(self, id: str) -> Any:
        rows = self._call(
            self._client.list_workflows,
            workflow_ids=[id],
            application_name=engine.application(self.store.name),
            load_input=False,
        )
        return rows[0] if rows else None

    def _call(self, function: Callable[..., Returned], *args: Any, **options: Any) -> Returned:
        """Call the database; as long as it cannot be reached, say so once and try again.

        Raises:
            JobError: it refuses.
        """
        is_noted = False
        while True:
            try:
                returned = function(*args, **options)
            except ImpastoError:
                raise
            except Exception as error:
                failure = engine.unreachable(self.address, error)
                if not engine.is_unreachable(error) or self._gives_up():
                    raise failure from error
                if not is_noted:
                    self._note(f"{failure} This waits until it can be reached.")
                is_noted = True
                time.sleep(_RETRY)
            else:
                if is_noted:
                    self._note("The queue is there again.")
                return returned


def _state_of(row: Any, watcher: Watcher | None = None) -> JobState:
    """Return the state that a row of the database says."""
    attributes = row.attributes or {}
    state, message = _STATES.get(row.status, "waiting"), ""
    if state == "cancelled" and attributes.get("paused"):
        state = "paused"
    elif state == "running" and watcher is not None and watcher.is_dead(row.executor_id or ""):
        state = "interrupted"
    output = row.output if isinstance(row.output, dict) else {}
    if state == "done" and output.get("state") != "done":
        state, message = "failed", str(output.get("message", ""))
    elif state == "failed":
        message = str(row.error or "It was begun too often.")
    return JobState(
        id=row.workflow_id,
        title=str(attributes.get("title", "")),
        state=state,
        executor=row.executor_id or "",
        priority=row.priority or USUAL,
        version=engine.release(row.app_version or ""),
        began=row.created_at or 0,
        message=message,
        device=str(attributes.get("device", "any")),
        kind=kind if (kind := attributes.get("kind")) in KINDS else "paint",
    )
