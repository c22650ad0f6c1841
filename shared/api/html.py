"""Pages for people: HTML in one piece, without scripts and without anything from elsewhere. Pure.

Whatever is shown is text, and is escaped here; only ``Markup`` made here is written as it is. A browser is
told to run nothing, load nothing, keep nothing and show no page of ours within another one.

``Referrer-Policy`` is ``same-origin`` and not ``no-referrer``, which makes a browser say ``Origin: null``
with our own forms (Fetch Standard, "append a request `Origin` header"); App Service authentication refuses a
form without an origin (learn.microsoft.com/azure/app-service/overview-authentication-authorization, its
mitigation of cross-site request forgery). Other sites hear of no address of ours either way.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final, NewType

from shared.alerts.channels.runs import lines, runs
from shared.api.http import HTML, ApiRequest, ApiResponse
from shared.model.sections import Link, Section

Markup = NewType("Markup", str)
"""HTML whose texts are escaped."""

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--soft:#595959;--box:#f2f2f2;--line:#c8c8c8;
--act:#0b57b0;--bad:#a80020}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#161616;--soft:#ababab;--box:#262626;
--line:#4a4a4a;--act:#8ab8f5;--bad:#ff9a9a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:48rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;line-height:1.25}
h2{font-size:1.05rem}
code,pre{font:14px/1.45 ui-monospace,Consolas,Menlo,monospace;background:var(--box)}
pre{padding:.75rem;border:1px solid var(--line);white-space:pre-wrap}
a{color:var(--act)}
form{margin:1rem 0}
button{min-height:44px;padding:.5rem 1rem;font:inherit;font-weight:600;color:var(--paper);
background:var(--act);border:0;border-radius:4px}
.soft{color:var(--soft)}
.notice{padding:.75rem;border-left:4px solid var(--bad);background:var(--box)}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def takes_html(request: ApiRequest) -> bool:
    """Whether it comes from a browser that would show a page; programs take problem documents."""
    return HTML in request.headers.get("accept", "").lower()


def page(title: str, parts: Iterable[Markup], status: int = 200) -> ApiResponse:
    """A whole page below its title."""
    text = "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}</h1>",
            *parts,
            "</main></body></html>",
        ]
    )
    body = text.encode("utf-8", "replace").decode()
    return ApiResponse(status=status, body=body, headers=HEADERS, media_type=HTML)


def problem_page(answered: ApiResponse) -> ApiResponse:
    """The same as a problem document, for people."""
    said = page(answered.body["title"], [paragraph(answered.body["detail"])], answered.status)
    return ApiResponse(
        status=said.status, body=said.body, headers={**answered.headers, **HEADERS}, media_type=HTML
    )


def elsewhere(path: str) -> ApiResponse:
    """What was asked is done: the browser goes on to ``path`` of this host, by a GET."""
    said = page("Done", [anchor(Link(label="Go on", url=path))], 303)
    return ApiResponse(status=303, body=said.body, headers={**HEADERS, "Location": path}, media_type=HTML)


def paragraph(text: str, kind: str = "") -> Markup:
    """``kind`` is a class of the style."""
    marked = f' class="{kind}"' if kind else ""
    return Markup(f"<p{marked}>{escape(text)}</p>")


def heading(text: str) -> Markup:
    return Markup(f"<h2>{escape(text)}</h2>")


def listed(items: Iterable[str]) -> Markup:
    return Markup("<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>")


def command(text: str) -> Markup:
    return Markup(f"<pre>{escape(text)}</pre>")


def anchor(link: Link) -> Markup:
    return Markup(f'<p><a rel="noopener noreferrer" href="{escape(link.url)}">{escape(link.label)}</a></p>')


def form(action: str, button: str, fields: Mapping[str, str]) -> Markup:
    """A button that sends hidden fields to a path of this host."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(text)}">' for name, text in fields.items()
    )
    return Markup(
        f'<form method="post" action="{escape(action)}">{hidden}<button>{escape(button)}</button></form>'
    )


def sections_shown(sections: Iterable[Section]) -> Iterator[Markup]:
    """A message as it is told, section by section."""
    return (part for section in sections for part in _section(section))


def _section(section: Section) -> Iterator[Markup]:
    lead = f"<strong>{escape(section.lead)}</strong> " if section.lead else ""
    if lead or section.text:
        yield Markup(f"<p>{lead}{'<br>'.join(map(_letters, lines(section.text)))}</p>")
    if section.items:
        yield Markup("<ul>" + "".join(f"<li>{_letters(item)}</li>" for item in section.items) + "</ul>")
    yield from map(command, section.commands)


def _letters(text: str) -> str:
    return "".join(
        f"<code>{escape(run.text)}</code>" if run.is_code else escape(run.text) for run in runs(text)
    )
