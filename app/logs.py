"""What the service logs: to standard error, a line per request without query string, and never a body or a token."""

import logging
from typing import Any


class PathOnly(logging.Filter):
    """Cuts the query string from uvicorn's access lines: callers put in one what belongs in a body."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, with the path alone."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            record.args = (client, method, str(path).partition("?")[0], *rest)
        return True


def log_config(level: str = "INFO") -> dict[str, Any]:
    """The `log_config` for uvicorn, which also sets up our own loggers (`vroegsein.…`)."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"path-only": {"()": PathOnly}},
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "error": {"class": "logging.StreamHandler", "formatter": "plain"},
            "access": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["path-only"]},
        },
        "loggers": {
            "vroegsein": {"handlers": ["error"], "level": level, "propagate": False},
            "uvicorn": {"handlers": ["error"], "level": level, "propagate": False},
            "uvicorn.access": {"handlers": ["access"], "level": level, "propagate": False},
        },
    }
