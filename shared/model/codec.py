"""Values to JSON and back: the one place that knows how the project's values are written.

The text is canonical (camelCase names, sorted keys, no spaces, ASCII only), so equal values give
equal bytes: blobs are addressed by the hash of that text, and a text can be cut into table properties
by counting characters. Reading ignores names that it does not know, which lets an older version read
what a newer one wrote; anything else that does not fit is ``NotReadable``, which names the type.

pydantic is imported on first use: deciding on values needs none of it, and an invocation that only
counts an event should not pay for it. Nothing here knows where a text is kept.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

from shared.model.errors import NotReadable
from shared.model.values import Json

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

_T = TypeVar("_T")


def to_json(value: object) -> dict[str, Json]:
    """A value as the JSON object that users meet: camelCase names, times in RFC 3339, ids as text.

    Numbers that JSON lacks (NaN, infinity) become null.
    """
    form = cast(Hashable, type(value))
    document: dict[str, Json] = _adapter(form).dump_python(value, mode="json")
    return document


def canonical(document: Json) -> str:
    """JSON with sorted keys, without spaces and in ASCII; raises ``ValueError`` for NaN and infinity."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if "\\ud" in text:
        text = json.dumps(_without_lone_surrogates(document), sort_keys=True, separators=(",", ":"))
    return text


def dump(value: object) -> str:
    """A value as canonical JSON: equal values give equal texts."""
    return canonical(to_json(value))


def load(form: TypeForm[_T], text: str | bytes) -> _T:
    """The value that ``dump`` wrote. ``form`` is a value class or a union of them.

    Raises ``NotReadable`` when the text is no JSON or does not hold such a value.
    """
    from pydantic import ValidationError

    try:
        loaded: _T = _adapter(cast(Hashable, form)).validate_json(text)
    except ValidationError as error:
        raise NotReadable(f"what is stored is no {_name(form)}: {_first_problem(error)}") from error
    return loaded


@cache
def _adapter(form: Hashable) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(cast(Any, form))


def _without_lone_surrogates(document: Json) -> Json:
    """JSON may escape half of a surrogate pair; UTF-8 and pydantic's reader cannot hold it."""
    text = json.dumps(document, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _name(form: object) -> str:
    """``Message``, or ``ServerSnapshot | SubnetSnapshot`` for a union."""
    return " | ".join(part.__name__ for part in get_args(form) or (form,))


def _first_problem(error: Any) -> str:
    """Place and reason without the offending input, which may be long or confidential."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
