"""Reads the data that pages are made from: YAML in the folder `data` beside this module.

A file is parsed and checked as strictly as `policies.yaml`: a key that is not known, an entry without what
it needs and a text that is empty are refused with the file, the line, the entry and what is wrong. All
mistakes of a file are told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from shared.config.marked_yaml import NotYaml, Places, read_yaml
from shared.model.values import camel_case, value

DATA: Final = Path(__file__).parent / "data"
_SHOWN_FROM: Final = Path(__file__).parents[2]

Said: TypeAlias = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
"""A text that must say something."""


class CannotGenerate(Exception):
    """A page cannot be made: a reason without a sentence, a policy without a docstring, lost markers."""


class Entry(BaseModel):
    """A part of a data file: frozen, with camelCase keys, and no key that is not declared."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=camel_case,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )


M = TypeVar("M", bound=BaseModel)


@value
class Mistake:
    """What is wrong with a part of a file; `path` is the keys and indices that lead to it."""

    path: tuple[str | int, ...]
    reason: str


def no_mistakes(_content: BaseModel) -> Iterable[Mistake]:
    return ()


def load(file: Path, form: type[M], check: Callable[[M], Iterable[Mistake]] = no_mistakes) -> M:
    """The file's content. `check` finds what the form alone does not tell. Raises CannotGenerate."""
    name = str(file.relative_to(_SHOWN_FROM)) if file.is_relative_to(_SHOWN_FROM) else file.name
    try:
        data, places = read_yaml(file.read_text(encoding="utf-8"))
    except NotYaml as error:
        raise CannotGenerate(f"{name}:{error.line}: not YAML: {error}") from None
    try:
        content = form.model_validate(data)
    except ValidationError as error:
        raise _refusal(_form_mistakes(error), name, places) from None
    if mistakes := list(check(content)):
        raise _refusal(mistakes, name, places)
    return content


def _refusal(mistakes: Iterable[Mistake], name: str, places: Places) -> CannotGenerate:
    """One line for each mistake, in the order of the file."""
    told = sorted((places.line_of(one.path), _spelled(one)) for one in mistakes)
    return CannotGenerate("\n".join(f"{name}:{line}: {text}" for line, text in told))


def _spelled(mistake: Mistake) -> str:
    return f"{'.'.join(map(str, mistake.path)) or 'the file'}: {mistake.reason}"


def _form_mistakes(error: ValidationError) -> Iterator[Mistake]:
    for wrong in error.errors(include_url=False, include_input=False, include_context=False):
        yield Mistake(path=wrong["loc"], reason=_reason(wrong["type"], wrong["msg"]))


def _reason(kind: str, message: str) -> str:
    match kind:
        case "extra_forbidden":
            return "there is no such key"
        case "missing":
            return "is required"
        case _:
            return message[:1].lower() + message[1:]
