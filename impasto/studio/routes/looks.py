"""What a picture would look like, and what it would take, before it is painted."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from impasto.errors import OptionError
from impasto.studio.bodies import JobRequest, LookRequest
from impasto.studio.requests import paintings, single
from impasto.studio.routes.common import Owner, StudioOf, check_quota

__all__ = ["router"]

router = APIRouter(tags=["looks"])

_METHOD = "instant"


@router.post("/looks", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
def _look(studio: StudioOf, owner: Owner, look: LookRequest, request: Request) -> Response:
    """Paint a small picture at once. Of several at a time only the last is painted."""
    who = f"{owner} {request.headers.get('x-look', '')[:64]}"
    asked = JobRequest(
        contents=[look.content],
        styles=look.styles,
        options=look.options,
        content_map=look.content_map,
        method=_METHOD,
    )
    (painting,) = paintings(asked, studio.places(owner))
    jpeg = studio.desks.look(who, painting.sources, painting.config, look.size)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/forecasts")
def _forecast(studio: StudioOf, owner: Owner, job: JobRequest) -> dict[str, Any]:
    """Estimate seconds and bytes of a job on this machine; of several photographs, of the first."""
    if job.task == "film":
        raise OptionError("What a film takes is told by a trial: POST /trials.")
    check_quota(studio, owner, len(single(job)))
    asked = paintings(job, studio.places(owner))
    estimate = studio.desks.estimate(asked[0].sources, asked[0].config)
    return {**estimate, "pictures": len(asked)}
