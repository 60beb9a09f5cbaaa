"""A service that counts and encodes texts, with metrics for Prometheus.

    uvicorn examples.tokenizer_service:app

    curl -d '{"text": "hello world"}' -H 'Content-Type: application/json' localhost:8000/count

A long text is encoded on another thread, so that it delays no other request. If too many texts
wait, the answer is 503 and the client can try again; the queue does not grow without bound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel, Field

import bpecore
from bpecore.aio import AsyncEncoder, QueueFullError
from bpecore.prometheus import EncoderCollector

MAX_CHARACTERS = 1_000_000


class Text(BaseModel):
    """The text of a request."""

    text: str = Field(max_length=MAX_CHARACTERS)


class Count(BaseModel):
    """How many tokens the text has."""

    tokens: int


class Ids(BaseModel):
    """The ids of the text's tokens."""

    ids: list[int]


def make_app(encoding_name: str = "o200k_base", queue: int = 1024) -> FastAPI:
    """Returns the service for an encoding.

    Args:
        encoding_name: as for `bpecore.get_encoding`.
        queue: maximum number of texts waiting for a thread; another one is answered with 503.
    """
    encoder = AsyncEncoder(bpecore.get_encoding(encoding_name), queue=queue, when_full="raise")
    registry = CollectorRegistry()
    registry.register(EncoderCollector({encoding_name: encoder}))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with encoder:
            yield

    app = FastAPI(title="Tokens", lifespan=lifespan)

    @app.exception_handler(QueueFullError)
    async def overloaded(request: Request, error: QueueFullError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 503, headers={"Retry-After": "1"})

    # FastAPI would send back the text, which can be a megabyte or contain half a surrogate pair.
    @app.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [{"loc": found["loc"], "msg": found["msg"]} for found in error.errors()]
        return JSONResponse({"detail": problems}, 422)

    # A special token spelled out by a client is ordinary text, so that it cannot steer a model.
    @app.post("/count")
    async def count(body: Text) -> Count:
        return Count(tokens=await encoder.count(body.text, disallowed_special=()))

    @app.post("/encode")
    async def encode(body: Text) -> Ids:
        return Ids(ids=await encoder.encode(body.text, disallowed_special=()))

    @app.post("/truncate")
    async def truncate(body: Text, max_tokens: int) -> Text:
        if max_tokens < 0:
            raise HTTPException(422, "max_tokens must not be negative")
        return Text(text=await encoder.truncate(body.text, max_tokens, disallowed_special=()))

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


app = make_app()
