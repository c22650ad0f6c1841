"""YAML that remembers where everything stands, so that a mistake can be shown with its line.

``read_yaml`` gives the data as PyYAML's safe loader has it, and the lines of its parts. Traps of YAML 1.1
are closed, because people write what YAML 1.2 and their editors understand: ``off`` stays the word that it
is (only ``true`` and ``false`` are truths), and ``22:00`` stays a text (YAML 1.1 reads 1320), as does every
number that is not written in plain decimal (YAML 1.1 reads ``010`` as 8, and fails at ``0x_``). A key that is
given twice is refused (PyYAML would silently forget what the first one said), and so is an explicit type
such as ``!!int`` (with a value that does not fit, the loader's own errors have no line).

What the data means is no business of this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import yaml

_PLAIN_NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
Path: TypeAlias = tuple[str | int, ...]
"""Keys and indices that lead from the whole document to a part of it."""

_TRUTHS: Final = {"true": True, "false": False}


class NotYaml(ValueError):
    """The text is no YAML, or not of the kind that can be meant. ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class Places:
    """Where the parts of a document stand. Without a document everything stands in line 1."""

    def __init__(self, root: yaml.Node | None = None) -> None:
        self._root = root

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line, from 1, of the key or list item that ``path`` leads to, or of the last one on the way
        that exists: what is missing is missing there."""
        node = self._root
        line = _line(node.start_mark) if node is not None else 1
        for part in path:
            found = _step(node, part)
            if found is None:
                break
            line, node = found
        return line


def read_yaml(text: str) -> tuple[Any, Places]:
    """The data and its places; raises ``NotYaml``."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:  # a character that YAML does not allow, found before all else
        line = text.count("\n", 0, error.position) + 1
        raise NotYaml(line, f"unacceptable character #x{error.character:04x}") from None
    try:
        root = loader.get_single_node()
        data = loader.construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(_line(mark) if mark else 1, error.problem or error.context or "not YAML") from None
    except RecursionError:
        raise NotYaml(loader.get_mark().line + 1, "nested too deeply") from None
    finally:
        loader.dispose()
    return data, Places(root)


def _line(mark: yaml.Mark) -> int:
    return int(mark.line) + 1


def _step(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, inner in reversed(node.value):  # what is merged in stands before what overrides it
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return _line(key.start_mark), inner
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return _line(node.value[part].start_mark), node.value[part]
    return None


class _Loader(yaml.SafeLoader):
    """The safe loader without the traps."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        peek: Callable[[], Any] = self.peek_event
        event = peek()
        if getattr(event, "tag", None) is not None:  # an alias or an end has none
            reason = f"values are written plainly, without {event.tag}"
            raise yaml.constructor.ConstructorError(None, None, reason, event.start_mark)
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _wrong(f"the key {key.value!r} is given twice", key)
            seen.add(str(key.value))
        return node

    def construct_truth(self, node: yaml.ScalarNode) -> bool | str:
        word = str(self.construct_scalar(node))
        return _TRUTHS.get(word.lower(), word)

    def construct_number(self, node: yaml.ScalarNode) -> int | str:
        word = str(self.construct_scalar(node))
        return int(word) if _PLAIN_NUMBER.fullmatch(word) else word

    def construct_time(self, node: yaml.ScalarNode) -> object:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:  # 2027-13-45 has the form of a date
            raise _wrong(f"{node.value} is no date: {error}", node) from None


def _wrong(reason: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, reason, node.start_mark)


_Loader.add_constructor("tag:yaml.org,2002:bool", _Loader.construct_truth)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_time)
