"""The description of the interface as one page for people: no script, and nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

Spec = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 1.5rem 4rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
code, pre { font: .9rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: .3rem; overflow-x: auto; padding: .6rem .8rem; }
table { border-collapse: collapse; margin: .5rem 0; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem .25rem 0; text-align: left; vertical-align: top; }
.method { display: inline-block; font-weight: 700; min-width: 3.2rem; }
"""
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""What a content security policy says to let this style through, and no other."""


def docs_page(spec: Spec) -> str:
    """The page for an OpenAPI document."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>GrantFlow: the interface</title>'
        f"<style>{STYLE}</style></head><body><header><h1>GrantFlow {escape(spec['info']['version'])}</h1>"
        f"<p>{escape(spec['info']['description'])}</p>"
        '<p>For programs: <a href="/openapi.json">/openapi.json</a>, OpenAPI 3.1.</p></header><main>'
        f"{''.join(_groups(spec))}<h2>Types</h2>{''.join(_types(spec))}</main></body></html>"
    )


def _groups(spec: Spec) -> Iterator[str]:
    before = ""
    for path, item in sorted(spec["paths"].items()):
        parts = path.removeprefix("/api/v1/").split("/")
        group = "steps" if "steps" in parts[:-1] else parts[0] if path.startswith("/api/v1/") else "service"
        if group != before:
            yield f"<h2>{escape(group.capitalize() or 'Service')}</h2>"
            before = group
        for method, operation in item.items():
            yield _operation(path, method, operation)


def _operation(path: str, method: str, operation: Spec) -> str:
    said = [f"<p>{escape(part)}</p>" for part in operation.get("description", "").split("\n\n") if part]
    parameters = operation.get("parameters", [])
    if parameters:
        rows = "".join(
            f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
            f"<td>{escape(one.get('description', ''))}</td></tr>"
            for one in parameters
        )
        said.append(
            "<table><thead><tr><th scope=col>Parameter</th><th scope=col>In</th><th scope=col>Meaning</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        said.append(f"<p>Body, <code>{escape(kind)}</code>:</p>{_schema(body['schema'])}")
    rows = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td><td>{_answered(answer)}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    said.append(
        "<table><thead><tr><th scope=col>Answer</th><th scope=col>When</th><th scope=col>What</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    title = f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code> {escape(operation["summary"])}'
    return f"<details><summary>{title}</summary>{''.join(said)}</details>"


def _answered(answer: Spec) -> str:
    return ", ".join(
        f"<code>{escape(kind)}</code> {_name(content.get('schema', {}))}"
        for kind, content in answer.get("content", {}).items()
    )


def _name(schema: Spec) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _types(spec: Spec) -> Iterator[str]:
    for name, schema in sorted(spec["components"]["schemas"].items()):
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>{_schema(schema)}</details>'


def _schema(schema: Spec) -> str:
    if "$ref" in schema:
        return f"<p>{_name(schema)}</p>"
    return f"<pre>{escape(msgspec.json.format(msgspec.json.encode(schema), indent=2).decode())}</pre>"
