"""The page of what the field found: a line is a marker on a test; one that says too little is told."""

from pathlib import Path

import pytest

from local.pages.field_page import cases, field_page
from local.pages.loading import CannotGenerate

WELL = '"nsg", "the tag is said to be unknown", source="RFC 1 (https://example.org/a)", date="2026-11-29"'


def project(folder: Path, *arguments: str) -> Path:
    """A project whose only test file has one marked test for each text of arguments."""
    tests = [f"@pytest.mark.field({one})\ndef test_{n}(): ..." for n, one in enumerate(arguments)]
    (folder / "tests" / "room").mkdir(parents=True)
    (folder / "tests" / "room" / "test_it.py").write_text(
        "\n".join(["import pytest", *tests]), encoding="utf-8"
    )
    return folder


def test_a_marker_is_a_line_with_its_source_date_and_test(tmp_path: Path) -> None:
    page = field_page(project(tmp_path, WELL))
    assert "## Questions about an NSG" in page
    assert (
        "| the tag is said to be unknown | RFC 1 ([example.org](https://example.org/a)) | 2026-11-29 "
        "| [`test_0`](../tests/room/test_it.py) |"
    ) in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (WELL.replace("nsg", "weather"), "weather"),
        (WELL.replace("2026-11-29", "lately"), "date"),
        (WELL.replace("RFC 1 (https://example.org/a)", " "), "source"),
        ('"nsg", "right"', "source"),
        ('"nsg", "right", source="a", date="2026-11-29", by="me"', "by"),
        ('"nsg", RIGHT, source="a", date="2026-11-29"', "literal"),
    ],
)
def test_a_marker_that_says_too_little_is_told_with_its_test(
    tmp_path: Path, arguments: str, told: str
) -> None:
    with pytest.raises(CannotGenerate, match=rf"tests/room/test_it.py: test_0: .*{told}"):
        cases(project(tmp_path, arguments))
