"""`driftward explain-nsg`: exit codes, the promised shapes, and what a person is shown."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftward.cli import main
from driftward.traffic.batch import answer_line, answer_lines
from local.dev.environments import ROOT
from shared.model import Json

GROUP = "/subscriptions/0a0a0a0a-0000-4000-8000-000000000001/resourceGroups/rg-data"
NSG_ID = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg-data"
VNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-hub"
OUT = {
    *("id", "verdict", "dependsOn", "witnesses", "blockingRules", "exposingRules", "shadowedRules"),
    *("fix", "noFixReason", "caveats", "ms"),
}
WITNESS = {
    *("outcome", "protocol", "source", "sourcePort", "destination", "destinationPort", "rule"),
    "memberships",
}
FAILURE = {"id", "error", "field", "rule"}


def rule(name: str, priority: int, access: str, **fields: Json) -> dict[str, Json]:
    """Inbound, for every protocol, address and port unless ``fields`` say otherwise."""
    properties = {
        "priority": priority,
        "access": access,
        "direction": "Inbound",
        "protocol": "*",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
        **fields,
    }
    return {"name": name, "properties": properties}


APP = rule("allow-app", 110, "Allow", sourceAddressPrefix="10.0.2.0/24", destinationPortRange="5432")
WEB = rule(
    "allow-web",
    200,
    "Allow",
    protocol="Tcp",
    sourceAddressPrefix="",
    sourceApplicationSecurityGroups=[
        {"id": f"{GROUP}/providers/Microsoft.Network/applicationSecurityGroups/asg-web"}
    ],
)
DENY_ALL = rule("DenyAll", 4096, "Deny")


def nsg(*rules: Json, **more: Json) -> dict[str, Json]:
    subnets = [{"id": f"{VNET}/subnets/snet-db"}, {"id": f"{VNET}/subnets/snet-other"}]
    return {"id": NSG_ID, "properties": {"securityRules": list(rules), "subnets": subnets}, **more}


def line(document: Json, **more: Json) -> dict[str, Json]:
    question = {"source": ["10.0.1.0/24"], "destination": ["10.0.1.0/24"], "ports": ["5432", "6432"]}
    return {"id": 1, "nsg": document, "direction": "Inbound", **question, "openTags": True, **more}


def file_of(folder: Path, content: Json, name: str = "nsg.json") -> str:
    path = folder / name
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    return str(path)


def options(path: str, **changes: str) -> list[str]:
    chosen = {
        "nsg": path,
        "direction": "Inbound",
        "source": "10.0.1.0/24",
        "destination": "10.0.1.0/24",
        "ports": "5432,6432",
        **{name.replace("_", "-"): text for name, text in changes.items()},
    }
    return ["explain-nsg", *(word for name, text in chosen.items() for word in (f"--{name}", text))]


def batch(content: bytes, *more: str) -> subprocess.CompletedProcess[bytes]:
    """The batch in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "driftward", "explain-nsg", "--batch", *more],
        input=content,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )


# --- one question ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "want", "code"),
    [
        ("10.0.1.0/24", None, 0),
        ("10.0.1.0/24", "deny", 0),
        ("10.0.1.0/24", "allow", 1),
        ("10.0.2.0/24", "allow", 1),
        ("10.0.2.0/24", "deny", 1),
    ],
)
def test_the_exit_code_says_whether_what_was_wanted_holds(
    source: str, want: str | None, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {} if want is None else {"want": want}
    path = file_of(tmp_path, nsg(APP, DENY_ALL))
    assert main([*options(path, source=source, **wanted), "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == ("denied" if source == "10.0.1.0/24" else "mixed")
    assert (found["fix"] is not None) == (code == 1)


def test_json_has_the_promised_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*options(file_of(tmp_path, nsg(WEB, DENY_ALL)), want="allow"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert_answer(found)
    assert (found["id"], found["verdict"], found["dependsOn"]) == (None, "depends", ["asg-web"])


def assert_answer(found: Mapping[str, Any]) -> None:
    """Every field of INTERFACES with a value of its kind."""
    assert set(found) >= OUT
    assert found["verdict"] in {"allowed", "denied", "mixed", "depends"}
    for name in ("blockingRules", "exposingRules", "shadowedRules"):
        assert all(set(one) == {"name", "priority"} for one in found[name])
    for witness in found["witnesses"]:
        assert set(witness) >= WITNESS
        assert isinstance(witness["sourcePort"], int)
    for one in found["fix"]["rules"] if found["fix"] else ():
        assert {"name", "properties"} == set(one)
    assert all(isinstance(text, str) for text in (*found["dependsOn"], *found["caveats"]))
    assert isinstance(found["ms"], float)
    assert found["ms"] > 0


def test_lists_are_split_at_commas_and_options_may_be_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, nsg(APP, DENY_ALL))
    asked = options(path, source="10.0.2.4, 10.0.2.5", ports="5432")
    assert main([*asked, "--source", "10.0.2.6-10.0.2.9", "--want", "allow"]) == 0
    assert main([*asked, "--source", "10.0.3.1", "--want", "allow"]) == 1
    assert "10.0.3.1" in capsys.readouterr().out


def test_a_tag_is_open_until_its_prefixes_are_given(tmp_path: Path) -> None:
    path = file_of(
        tmp_path, nsg(rule("storage", 100, "Deny", sourceAddressPrefix="Storage"), rule("rest", 200, "Allow"))
    )
    asked = options(path, source="20.60.1.0/24")
    assert main([*asked, "--want", "deny"]) == 1
    plain = file_of(tmp_path, {"storage": ["20.60.0.0/16"]}, "plain.json")
    assert main([*asked, "--want", "deny", "--tags", plain]) == 0
    azure = {"values": [{"name": "Storage", "properties": {"addressPrefixes": ["20.99.0.0/16"]}}]}
    published = file_of(tmp_path, azure, "published.json")
    assert main([*asked, "--want", "allow", "--tags", published]) == 0
    elsewhere = file_of(tmp_path, {"Sql": ["20.60.0.0/16"]}, "elsewhere.json")
    assert main([*asked, "--want", "deny", "--tags", elsewhere]) == 1


def test_a_private_endpoint_is_filtered_only_where_its_subnet_says_so(tmp_path: Path) -> None:
    asked = [*options(file_of(tmp_path, nsg(DENY_ALL))), "--want", "deny", "--private-endpoint-policies"]
    assert main([*asked, "Disabled"]) == 1
    assert main([*asked, "Enabled"]) == 0


def test_an_nsg_is_chosen_by_name_where_there_are_several(tmp_path: Path) -> None:
    several = [{**nsg(DENY_ALL), "name": "first"}, {**nsg(rule("all", 100, "Allow")), "name": "second"}]
    path = file_of(tmp_path, several)
    assert main(options(path)) == 2
    assert main([*options(path), "--want", "allow", "--name", "Second"]) == 0


def test_standard_input_and_an_export_of_powershell_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(nsg(DENY_ALL)).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main([*options("-"), "--want", "deny"]) == 0
    utf_16 = file_of(tmp_path, json.dumps(nsg(DENY_ALL)).encode("utf-16"))
    assert main([*options(utf_16), "--want", "deny"]) == 0


@pytest.mark.parametrize(
    ("document", "changes", "said"),
    [
        (b"", {}, "line 1, column 1"),
        (json.dumps(nsg(DENY_ALL), indent=1).encode()[:80], {}, "line 2, column 8"),
        (b"\xff\xfe\x00", {}, "no text"),
        (b"[" * 100_000, {}, "nested too deeply"),
        ({"name": "vm"}, {}, "field nsg"),
        (None, {}, "field nsg"),
        (nsg(rule("odd", 100, "Deny", protocol="Sctp")), {}, "[rule 'odd', field protocol]"),
        (nsg(rule("odd", 100, "Maybe")), {}, "[rule 'odd', field access]"),
        (
            nsg(rule("odd", 100, "Deny", destinationPortRange="70000")),
            {},
            "[rule 'odd', field destinationPortRange]",
        ),
        (nsg(rule("odd", 100, "Deny", sourceAddressPrefix="10.0.0.300")), {}, "[rule 'odd', field source"),
        (
            nsg(rule("odd", 1, "Deny", sourceAddressPrefixes=["10.0.0.0/8", "fd00::/8"])),
            {},
            "[rule 'odd', field source",
        ),
        (nsg(APP, rule("twin", 110, "Deny")), {}, "[rule 'twin', field priority]"),
        (nsg(DENY_ALL), {"ports": "70000"}, "field ports"),
        (nsg(DENY_ALL), {"ports": ","}, "field ports"),
        (nsg(DENY_ALL), {"protocol": "Sctp"}, "field protocol"),
        (nsg(DENY_ALL), {"direction": "up"}, "field direction"),
        (nsg(DENY_ALL), {"want": "maybe"}, "field want"),
        (nsg(DENY_ALL), {"source": "10.0.0.0/33"}, "field source"),
        (nsg(DENY_ALL), {"source_ports": "x"}, "field sourcePorts"),
        (nsg(DENY_ALL), {"tags": "absent.json"}, "field tags"),
        (nsg(DENY_ALL), {"nsg": "absent.json"}, "field nsg"),
        (nsg(DENY_ALL), {"nsg": "."}, "field nsg"),
        (nsg(DENY_ALL), {"nsg": "-", "tags": "-"}, "field tags"),
        (nsg(DENY_ALL), {"private_endpoint_policies": "on"}, "field privateEndpointNetworkPolicies"),
    ],
)
def test_what_cannot_be_used_is_named_and_no_verdict(
    document: Json,
    changes: dict[str, str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = file_of(tmp_path, document)
    assert main(options(path, **changes)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert main([*options(path, **changes), "--json"]) == 2
    assert set(json.loads(capsys.readouterr().out)) == FAILURE


@pytest.mark.parametrize("missing", ["nsg", "direction", "source", "destination", "ports"])
def test_an_option_that_is_missing_is_asked_for(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = options(file_of(tmp_path, nsg(DENY_ALL)))
    place = words.index(f"--{missing}")
    assert main(words[:place] + words[place + 2 :]) == 2
    assert f"--{missing} is missing" in capsys.readouterr().err


# --- for a person ----------------------------------------------------------------------------------


@pytest.fixture
def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a person reads in a pipe of 80 columns, with every run of blanks as one."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(document: Json, *words: str, **changes: str) -> str:
        assert main([*options(file_of(tmp_path, document), **changes), *words]) in {0, 1}
        printed = capsys.readouterr().out
        assert "\x1b" not in printed
        for text in printed.splitlines():
            assert text == text.rstrip()
            assert len(text) <= 80 or text.startswith("    --"), text  # an option is never cut
        return " ".join(printed.split())

    return run


def test_a_person_reads_a_sentence_packets_and_the_rules_to_blame(shown: Any) -> None:
    text = shown(nsg(APP, WEB, DENY_ALL), want="allow")
    assert "Whether nsg-data allows inbound Tcp from 10.0.1.0/24 to 10.0.1.0/24" in text
    assert "depends on asg-web" in text
    assert "Wanted: allow. That is not met." in text
    assert "10.0.1.4:49152 → 10.0.1.5:5432 tcp is allowed by rule 'allow-web' (priority 200)" in text
    assert "where 10.0.1.4 and 10.0.1.5 are not in asg-web" in text
    assert "where 10.0.1.4 is in asg-web" in text
    assert "asg-web: an application security group" in text
    assert "2 subnets: snet-db of vnet-hub, snet-other of vnet-hub" in text
    assert "Azure Virtual Network Manager" in text


@pytest.mark.parametrize(
    ("rules", "source", "sentence"),
    [
        ([DENY_ALL], "10.0.1.0/24", "nsg-data denies all inbound Tcp from 10.0.1.0/24"),
        ([rule("all", 100, "Allow")], "*", "nsg-data allows all inbound Tcp from * to"),
        ([APP, DENY_ALL], "10.0.2.0/24", "nsg-data allows some and denies some inbound Tcp"),
    ],
)
def test_each_verdict_has_its_sentence(rules: list[Json], source: str, sentence: str, shown: Any) -> None:
    assert sentence in shown(nsg(*rules), source=source)


def test_the_fix_is_a_command_that_does_what_the_answer_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, nsg(DENY_ALL))
    main(options(path, want="allow"))
    printed = capsys.readouterr().out
    command = printed[printed.index("az network") :].split("\n\n")[0].replace("\\\n", " ")
    words = shlex.split(command)
    assert words[:5] == ["az", "network", "nsg", "rule", "create"]
    told = dict(pairwise(words))
    assert (told["--resource-group"], told["--nsg-name"], told["--priority"]) == (
        "rg-data",
        "nsg-data",
        "4095",
    )
    ports = words.index("--destination-port-ranges")
    assert words[ports + 1 : ports + 3] == ["5432", "6432"]


def test_what_no_document_told_is_a_placeholder_in_the_command(shown: Any) -> None:
    text = shown({"securityRules": [DENY_ALL]}, want="allow")
    assert "--resource-group '<resource-group>'" in text
    assert "--nsg-name '<nsg>'" in text
    assert "--subscription" not in text


def test_a_table_of_many_rules_is_cut_and_says_so(shown: Any) -> None:
    many = [
        rule(f"r{n}", 100 + n, "Deny", sourceAddressPrefix=f"10.0.1.{n}", protocol="Tcp") for n in range(30)
    ]
    text = shown(nsg(*many, DENY_ALL))
    assert "119 r19 tcp" in text
    assert "120 r20 tcp" not in text
    assert "and 11 more: --json has all" in text


def test_no_fix_has_its_reason(shown: Any) -> None:
    assert "move 'all' from 100 to 101" in shown(nsg(rule("all", 100, "Deny")), want="allow")


def test_a_name_cannot_write_to_the_terminal_or_be_markup(shown: Any) -> None:
    text = shown(nsg(rule("[red]\x1b[31m\udc80x", 100, "Deny")))
    assert "[red]�[31m" in text


TEMPLATE = {
    "parameters": {"from": {"type": "string"}},
    "resources": [
        {
            "type": "Microsoft.Network/networkSecurityGroups",
            "name": "[parameters('name')]",
            "properties": {"securityRules": rules},
        }
        for rules in (
            [rule("allow-from", 100, "Allow", sourceAddressPrefix="[parameters('from')]"), DENY_ALL],
            [DENY_ALL],
        )
    ],
}


@pytest.mark.field(
    "templates",
    "explain-nsg takes a position for --name and a file for --parameters; without a name it lists them",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/parameter-files",
    date="2026-11-29",
)
def test_an_nsg_of_a_template_is_asked_by_position_and_with_parameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, TEMPLATE)
    assert main([*options(path), "--want", "allow"]) == 2
    assert "'#1' ([parameters('name')]), '#2'" in capsys.readouterr().err
    assert main([*options(path), "--name", "#2", "--want", "deny"]) == 0
    assert main([*options(path), "--name", "1", "--want", "allow"]) == 1
    assert "[parameters('from')]" in capsys.readouterr().out
    values = file_of(tmp_path, {"parameters": {"from": {"value": "10.0.0.0/16"}}}, "values.json")
    assert main([*options(path), "--name", "1", "--parameters", values, "--want", "allow"]) == 0
    bicep = file_of(tmp_path, b"using 'x.bicep'\nparam from = '10.0.0.0/16'\n", "values.bicepparam")
    assert main([*options(path), "--name", "1", "--parameters", bicep, "--want", "allow"]) == 0
    wrong = file_of(tmp_path, {"form": "10.0.0.0/16"}, "wrong.json")
    assert main([*options(path), "--name", "1", "--parameters", wrong, "--want", "allow"]) == 2
    assert "field parameters" in capsys.readouterr().err
    assert main([*options(path), "--parameters", str(tmp_path / "absent.json")]) == 2
    assert main([*options("-"), "--parameters", "-"]) == 2
    assert "only one of nsg, parameters" in capsys.readouterr().err
    assert main(["explain-nsg", "--batch", "--parameters", values]) == 2


# --- a batch ---------------------------------------------------------------------------------------


def test_every_line_is_answered_in_its_place_and_only_json_is_printed() -> None:
    lines = [
        json.dumps(line(nsg(DENY_ALL), id="a", want="allow")),
        "",
        "no JSON",
        "   ",
        json.dumps(line(nsg(rule("all", 100, "Allow")), id=[1, {"b": None}])),
        json.dumps(line(nsg(DENY_ALL, rule("twin", 4096, "Deny")), id=2.5)),
    ]
    done = batch("\n".join(lines).encode())
    answers = [json.loads(text) for text in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (1, b"")
    assert [answer["id"] for answer in answers] == ["a", None, [1, {"b": None}], 2.5]
    assert_answer(answers[0])
    assert_answer(answers[2])
    assert set(answers[1]) == set(answers[3]) == FAILURE
    assert (answers[1]["field"], answers[1]["rule"]) == ("", None)
    assert (answers[3]["field"], answers[3]["rule"]) == ("priority", "twin")


def test_a_batch_without_errors_is_exit_0_and_can_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(line(nsg(DENY_ALL))).encode() + b"\r\n\r\n")
    done = batch(b"", str(path))
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 1)
    assert batch(b"").returncode == 0


@pytest.mark.parametrize(
    "words",
    [["--nsg", "x"], ["--want", "allow"], ["--tags", "x"], ["--source", "*"], ["absent.jsonl"], ["."]],
)
def test_a_call_that_makes_no_sense_is_exit_2_and_answers_nothing(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain-nsg", "--batch", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err


def test_a_file_of_questions_needs_the_word_batch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-nsg", "questions.jsonl"]) == 2
    assert "--batch" in capsys.readouterr().err


def test_an_answer_comes_before_the_next_question_is_asked() -> None:
    asked: list[int] = []

    def questions() -> Any:
        for number in range(3):
            asked.append(number)
            yield json.dumps(line(nsg(DENY_ALL), id=number)).encode()

    seen = [(answer["id"], len(asked)) for answer in answer_lines(questions())]
    assert seen == [(0, 1), (1, 2), (2, 3)]


def test_whoever_stops_reading_ends_the_batch_quietly() -> None:
    one = json.dumps(line(nsg(DENY_ALL))).encode() + b"\n"
    with subprocess.Popen(
        [sys.executable, "-m", "driftward", "explain-nsg", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(one)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["verdict"] == "denied"
        process.stdout.close()
        process.stdin.write(one)
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_without_open_tags_an_unknown_one_is_an_error_of_the_rule_that_names_it() -> None:
    found = answer_line(json.dumps(line(nsg(DENY_ALL), openTags=False)).encode())
    assert (found["field"], found["rule"]) == ("tags", "AllowVnetInBound")


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        b"{",
        b"NaN",
        b'{"id": NaN}',
        b'{"id": 1e999}',
        b'{"id": -Infinity}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a": ' * 100_000,
        b'"\\ud800"',
        b'{"id": "\\ud800"}',
        b'{"id": 1, "id": 2}',
        b"[]",
        b"null",
        b"7",
        b"\x00",
        *(b'{"id": ' + b"[" * depth + b"]" * depth + b"}" for depth in (500, 900, 950, 970, 980, 990, 2000)),
        *(b'{"nsg": ' + b"[" * depth + b"]" * depth + b"}" for depth in (900, 980, 2000)),
        *(
            b'{"direction": ' + b"[" * depth + b"]" * depth + b"}"
            for depth in (500, 900, 950, 960, 970, 980, 990)
        ),
    ],
)
def test_a_line_that_nobody_would_write_gets_an_error_and_no_traceback(text: bytes) -> None:
    answer = answer_line(text)
    assert set(answer) == FAILURE
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        [
            "*",
            "Internet",
            "VirtualNetwork",
            "Storage",
            "10.0.0.0/8",
            "fd00::/8",
            "0-65535",
            "[[x]",
            "[concat()]",
        ]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt_lines(draw: st.DrawFn) -> Json:
    """A good line in which some parts, however deep, are replaced by anything."""
    whole: Json = json.loads(
        json.dumps(line(nsg(APP, WEB, DENY_ALL), tags={"Storage": ["20.0.0.0/8"]}, want="deny"))
    )
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        place = whole
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 3)):
                place = place[key]
                continue
            place[key] = draw(VALUES)
            break
    return whole


@given(st.one_of(spoilt_lines(), VALUES))
def test_any_json_gets_an_answer_or_an_error(content: Json) -> None:
    answer = answer_line(json.dumps(content).encode())
    json.dumps(answer, allow_nan=False)
    if "error" in answer:
        assert set(answer) == FAILURE
    else:
        assert_answer(answer)


@given(st.binary(max_size=60))
def test_any_bytes_get_an_answer(content: bytes) -> None:
    assert "error" in answer_line(content)


# --- what it costs to start ------------------------------------------------------------------------


def test_nothing_heavy_is_imported_for_a_question(tmp_path: Path) -> None:
    path = file_of(tmp_path, nsg(DENY_ALL))
    program = (
        "import sys\nfrom driftward.cli import main\n"
        f"assert main({[*options(path), '--json']!r}) == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert not loaded & {"azure", "pydantic", "rich", "yaml", "tenacity", "hypothesis"}
    assert "local.simulator" not in done.stderr.split()
