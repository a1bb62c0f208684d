"""What the service says of itself: OpenAPI 3.1, made of the handlers and of the types that check what comes in."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from grantflow import __version__
from grantflow.domain.command import COMMANDS
from grantflow.domain.step_roles import roles_of
from grantflow.web.asking import LARGEST_BODY
from grantflow.web.open_steps import command_schema
from grantflow.web.problems import PROBLEM
from grantflow.web.rights import RIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Spec = dict[str, Any]

TAKE = "/api/v1/applications/{case}/steps/{step}"
BEGIN = "/api/v1/calls/{call}/applications"
UPLOAD = "/api/v1/applications/{case}/documents"
_METHODS = ("get", "post")
_ALWAYS = {
    "400": "The request has the wrong form.",
    "401": "No token, or one that is not accepted.",
    "403": "The caller has not the right.",
    "404": "There is no such thing, or the caller may not know of it.",
    "429": "Too many requests.",
    "503": "The database does not answer, too many wait, or the read models are behind.",
}
_READING = {"409": "The event is not sealed yet, or the log does not reach the position."}
_WRITING = {
    "408": "The body has stopped coming.",
    "409": "Not possible as the case stands.",
    "412": "The case has changed since it was read.",
    "413": f"The body is larger than {LARGEST_BODY} bytes.",
    "415": "The body is of another kind, or compressed.",
    "422": "Rules of the call do not hold, or the key was used for something else.",
}
_TEXT = {"type": "string"}
_PROBLEM_SCHEMA: Spec = {
    "title": "Problem",
    "description": "A refusal (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "instance", "code"), _TEXT),
        "status": {"type": "integer"},
        "failures": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["rule", "message", "source", "path"],
                "properties": dict.fromkeys(("rule", "message", "source", "path"), _TEXT),
            },
        },
    },
}
_ABOUT = (
    "Public grant applications through their whole life, with a history that proves itself. Times are RFC 3339 with an "
    "offset; money is a decimal string in kroner, with two digits. Refusals are problem documents whose texts follow "
    "Accept-Language (nb, nn, en). What a caller may not see answers 404."
)


def described(handlers: Sequence[Any], dependencies: dict[str, Any]) -> Spec:
    """The OpenAPI document of these handlers."""
    config = OpenAPIConfig(
        title="GrantFlow",
        version=__version__,
        description=_ABOUT,
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        security=[{"bearer": []}],
    )
    template = Litestar(handlers, dependencies=dependencies, openapi_config=config, logging_config=None)
    spec: Spec = template.openapi_schema.to_schema()
    opts = {
        (method.lower(), route.path_format): handler.opt
        for route in template.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    }
    spec["paths"] = {
        path: item for path, item in spec["paths"].items() if ("get", path) in opts or ("post", path) in opts
    }
    schemas = spec["components"].setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    for path, method, operation in operations(spec):
        _complete(operation, method, opts[method, path], schemas)
    spec["paths"] = {path: item for path, item in spec["paths"].items() if not path.startswith("/schema")}
    _say_bodies(spec, schemas)
    return spec


def operations(spec: Spec) -> Iterator[tuple[str, str, Spec]]:
    """Every operation, as (path, method, operation)."""
    for path, item in spec["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def methods_of(spec: Spec) -> dict[str, str]:
    """What `Allow` says of each path."""
    return {
        path: ", ".join([*sorted(method.upper() for method in item), "OPTIONS"])
        for path, item in spec["paths"].items()
    }


def parameters_of(spec: Spec) -> dict[tuple[str, str], frozenset[str]]:
    """The names of the query parameters of each (method, path)."""
    return {
        (method.upper(), path): frozenset(
            p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"
        )
        for path, method, operation in operations(spec)
    }


def _complete(operation: Spec, method: str, opt: dict[str, Any], schemas: Spec) -> None:
    """Say how it can be refused, what the body is, and what the framework says in too many words."""
    for parameter in operation.get("parameters", ()):
        for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
            parameter.pop(noise, None)
        if parameter.get("name") == "limit":
            parameter["schema"]["maximum"] = int(parameter["schema"]["maximum"])
    responses = operation["responses"]
    responses.pop("400", None)
    if opt.get("right") == "open":
        operation["security"] = []
        return
    right = RIGHTS.get(opt.get("right", ""))
    if right is not None:
        operation["description"] = (
            f"{operation.get('description', '')}\n\nFor: {', '.join(right.who)}.".strip()
        )
    refusals = {**_ALWAYS, **(_WRITING if method == "post" else _READING)}
    for status, meaning in sorted(refusals.items()):
        schema = {"$ref": "#/components/schemas/Problem"}
        responses[status] = {"description": meaning, "content": {PROBLEM: {"schema": schema}}}
    if "body" in opt:
        operation["requestBody"] = _json_body(_schema(opt["body"], schemas))


def _say_bodies(spec: Spec, schemas: Spec) -> None:
    """The bodies of steps: each of the engine's is told as a path of its own, a call's own by the pattern."""
    paths = spec["paths"]
    pattern = paths[TAKE]["post"]
    pattern["requestBody"] = _json_body({"type": "object"}, required=False)
    paths[BEGIN]["post"]["requestBody"] = _json_body(
        {"type": "object", "properties": {"area": _TEXT}, "additionalProperties": False}, required=False
    )
    paths[UPLOAD]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
    for step, kind in sorted(COMMANDS.items()):
        if step == "start" or roles_of(step) <= {"clock"}:
            continue
        operation = copy.deepcopy(pattern)
        operation["operationId"] = "Take" + "".join(word.capitalize() for word in step.split("-"))
        operation["summary"] = step.replace("-", " ").capitalize()
        roles = ", ".join(sorted(roles_of(step)))
        operation["description"] = (
            f"{inspect.cleandoc(kind.__doc__ or '')}\n\nFor: {roles} (as the process of the call has it)."
        )
        operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "step"]
        schema = _schema(kind, schemas)
        operation["requestBody"] = _json_body(schema, required=bool(command_schema(step).get("required")))
        paths[TAKE.replace("{step}", step)] = {"post": operation}
    paths[BEGIN]["post"]["responses"]["201"]["links"] = {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": {"case": "$response.body#/stream"},
        }
        for path, _, operation in operations(spec)
        if "/{case}" in path and "{digest}" not in path and path != TAKE
    }


def _schema(kind: Any, schemas: Spec) -> Spec:  # noqa: ANN401 - a struct's type
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    schemas.update({name: one for name, one in components.items() if name not in schemas})
    return schema


def _json_body(schema: Spec, *, required: bool = True) -> Spec:
    return {"required": required, "content": {"application/json": {"schema": schema}}}
