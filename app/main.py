"""The service, put together: routes, headers, errors, and what opens and closes with it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel
from starlette.types import ASGIApp

from app.api import (
    access_events,
    backtests,
    basis_changes,
    break_glasses,
    cases,
    consents,
    creditors,
    deliveries,
    endings,
    feedback,
    hand_overs,
    known_clients,
    link_doubts,
    log_erasures,
    meta,
    monthly_tables,
    objections,
    pilots,
    proofs,
    records,
    rekeyings,
    residents,
    rule_sets,
    sealings,
    signals,
    tokens,
)
from app.api.deps import accepts_our_answers, holds_no_nul, takes_json_where_read
from app.errors import handle_errors
from app.last_net import LastNet
from app.openapi import BASE, describe, version
from app.security_headers import SecurityHeaders
from app.settings import Settings

ROUTERS: tuple[APIRouter, ...] = (
    tokens.router,
    pilots.router,
    deliveries.router,
    endings.router,
    feedback.router,
    creditors.router,
    signals.router,
    cases.router,
    break_glasses.router,
    consents.router,
    objections.router,
    known_clients.router,
    link_doubts.router,
    backtests.router,
    rule_sets.router,
    residents.router,
    basis_changes.router,
    access_events.router,
    log_erasures.router,
    monthly_tables.router,
    proofs.router,
    records.router,
    sealings.router,
    rekeyings.router,
    hand_overs.router,
    meta.router,
)

# Opens something for as long as the service runs, and puts it in `app.state` (`identity`, the pools).
Opening = Callable[[FastAPI, Settings], AbstractAsyncContextManager[None]]


class Service(FastAPI):
    """FastAPI with its net and its headers around the whole: middleware added the usual way leaves out some errors."""

    def build_middleware_stack(self) -> ASGIApp:
        """The application as the server sees it."""
        return SecurityHeaders(LastNet(super().build_middleware_stack()), version())

    def openapi(self) -> dict[str, Any]:
        """The description, made once."""
        if self.openapi_schema is None:
            settings: Settings | None = self.state.settings
            self.openapi_schema = describe(self, settings.public_url if settings else "")
        return self.openapi_schema


def create_app(settings: Settings | None = None, *openings: Opening) -> Service:
    """Make the service.

    Args:
        settings: None makes an application that can be described but not served: nothing is opened or read.
        openings: what to open, in this order, when the server starts; closed in reverse. One of them must set
            `app.state.identity` (app/identity/service.py).
    """

    @asynccontextmanager
    async def open_all(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if settings is not None:
                for opening in openings:
                    await stack.enter_async_context(opening(app, settings))
            yield

    app = Service(
        title="Vroegsein",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=open_all,
        max_body_size=settings.max_body_bytes if settings else Settings.model_fields["max_body_bytes"].default,
        dependencies=[Depends(accepts_our_answers), Depends(takes_json_where_read), Depends(holds_no_nul)],
        generate_unique_id_function=_operation_id,
    )
    app.state.settings = settings
    handle_errors(app)
    for router in ROUTERS:
        app.include_router(router, prefix=BASE)
    return app


def _operation_id(route: APIRoute) -> str:
    return to_camel(route.name)
