"""`make fuzz`: what it plays is said so that it can be played again."""

from __future__ import annotations

import pytest

from local.dev import fuzz


def test_the_seed_is_printed_and_can_be_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[tuple[int, int]] = []

    def noted(cases: int, seed: int) -> int:
        played.append((cases, seed))
        return 0

    monkeypatch.setattr(fuzz, "_played", noted)
    assert fuzz.main([]) == 0
    (cases, seed) = played[0]
    assert cases == 200_000
    assert f"make fuzz CASES=200000 SEED={seed}" in capsys.readouterr().out
    fuzz.main(["--cases", "50", "--seed", "7"])
    assert played[1] == (50, 7)
