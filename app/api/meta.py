"""What the API says about itself: its description, and that it is up."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.openapi import version

router = APIRouter(tags=["meta"])


class Health(BaseModel):
    """The service answers."""

    status: Literal["up"] = "up"
    version: str


@router.get("/openapi.json", include_in_schema=False)
def read_description(request: Request) -> JSONResponse:
    """The description of the API, for everybody and from any web page (/core/publish-openapi, /core/transport/cors)."""
    return JSONResponse(request.app.openapi(), headers={"Access-Control-Allow-Origin": "*"})


@router.get("/health")
def read_health() -> Health:
    """Say that the service answers; nothing about the database or anybody's data."""
    return Health(version=version())
