"""Sending records as OpenTelemetry spans: OTLP over HTTP in protobuf, each batch acknowledged or sent again.

The library is loaded when the first sender is made, and so never where no Logboek is set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

import httpx

TIMEOUT = httpx.Timeout(10)
MEDIA_TYPE = "application/x-protobuf"


class LogboekUnusable(Exception):
    """A Logboek is set, and the library that writes to it is not installed."""


class NotAcknowledged(Exception):
    """The receiver did not confirm every record of a batch. The message holds nothing of them."""


@dataclass(frozen=True, slots=True)
class Record:
    """One processing, or one data subject's part in it (`parent` is then the processing's span)."""

    name: str
    trace: bytes  # 16 bytes
    span: bytes  # 8 bytes
    parent: bytes  # 8 bytes, or none
    start: datetime
    end: datetime
    failed: bool
    attributes: tuple[tuple[str, str], ...]


class Sender:
    """A way to one receiver."""

    def __init__(self, endpoint: str) -> None:
        """Raises LogboekUnusable."""
        try:
            from opentelemetry.proto.collector.trace.v1 import trace_service_pb2  # noqa: PLC0415 - only where it is set
        except ModuleNotFoundError:
            raise LogboekUnusable(
                "VROEGSEIN_LOGBOEK_ENDPOINT is set and needs: pip install 'vroegsein[logboek]'"
            ) from None
        self._endpoint, self._messages = endpoint, trace_service_pb2
        self._http = httpx.Client(timeout=TIMEOUT)

    def send(self, records: Sequence[Record]) -> None:
        """Send one batch and wait for the receiver's word. Raises NotAcknowledged, httpx.TransportError."""
        body = self._request(records).SerializeToString()
        answer = self._http.post(self._endpoint, content=body, headers={"Content-Type": MEDIA_TYPE})
        if not answer.is_success:
            raise NotAcknowledged(f"HTTP {answer.status_code}")
        said = self._messages.ExportTraceServiceResponse()
        try:
            said.ParseFromString(answer.content)
        except ValueError:  # protobuf's DecodeError is a kind of it: whatever answered, it was no receiver of OTLP
            raise NotAcknowledged("the answer is not that of a receiver of OTLP") from None
        if said.partial_success.rejected_spans:
            raise NotAcknowledged(f"{said.partial_success.rejected_spans} records were rejected")

    def _request(self, records: Sequence[Record]) -> Any:  # noqa: ANN401 - a message of the library
        request = self._messages.ExportTraceServiceRequest()
        of_us = request.resource_spans.add()
        _put(of_us.resource.attributes, (("service.name", "vroegsein"), ("service.version", version("vroegsein"))))
        spans = of_us.scope_spans.add().spans
        for record in records:
            span = spans.add(
                trace_id=record.trace,
                span_id=record.span,
                parent_span_id=record.parent,
                name=record.name,
                kind="SPAN_KIND_INTERNAL",
                start_time_unix_nano=_nanoseconds(record.start),
                end_time_unix_nano=_nanoseconds(record.end),
            )
            if record.failed:
                span.status.code = span.status.STATUS_CODE_ERROR
            _put(span.attributes, record.attributes)
        return request


def _put(attributes: Any, values: Sequence[tuple[str, str]]) -> None:  # noqa: ANN401 - a list of the library
    for key, value in values:
        attributes.add(key=key).value.string_value = value


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000
