"""Bicep parameter files as people write them: literals are read, what Bicep computes stays unknown."""

from __future__ import annotations

import pytest

from shared.nsg.documents.bicepparam import values_of
from shared.nsg.documents.scope import Unknown
from shared.nsg.rules.reading import NsgError

FILE = """\
using './main.bicep'  // what it is for
import { x } from 'y.bicep'

/* several
   lines */
var tier = 'data'
param name = 'it\\'s ${'$'}'
param tier2 = tier
param from = '10.0.0.0/24'
param count = -3
param on = true
param none = null
param ports = [
  '5432'
  6432
]
param inline = ['a', 'b']
param rules = [
  {
    name: 'a'
    'odd-key': [ 1, 2 ]
    properties: {
      access: 'Allow'
      prefix: readEnvironmentVariable('PREFIX', 'x')
    }
  }
]
param secret = az.getSecret('a', 'b', 'c', 'd')
param chosen = true ? 'a' : 'b'
param text = '''
long 'text'
'''
"""


@pytest.mark.field(
    "templates",
    "A .bicepparam file is read as it is written; what Bicep would compute stays unknown",
    source="https://learn.microsoft.com/azure/azure-resource-manager/bicep/parameter-files",
    date="2026-11-29",
)
def test_a_bicep_parameter_file_is_read() -> None:
    found = values_of(FILE)
    plain = {"tier2": "data", "from": "10.0.0.0/24", "count": -3, "on": True, "none": None}
    assert plain.items() <= found.items()
    assert (found["ports"], found["inline"]) == (["5432", 6432], ["a", "b"])
    assert found["text"] == "long 'text'\n"
    (rule,) = found["rules"]
    assert (rule["name"], rule["odd-key"], rule["properties"]["access"]) == ("a", [1, 2], "Allow")
    assert rule["properties"]["prefix"] == Unknown(text="[readEnvironmentVariable('PREFIX', 'x')]")
    assert found["secret"] == Unknown(text="[az.getSecret('a', 'b', 'c', 'd')]")
    assert found["chosen"] == Unknown(text="[true ? 'a' : 'b']")
    assert isinstance(found["name"], Unknown)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "param",
        "param x",
        "param = 1",
        "extends 'y'",
        "param x = [",
        "param x = {a}",
        "x",
        "param x = " + "[" * 99,
    ],
)
def test_what_is_no_bicep_parameter_file_is_refused(text: str) -> None:
    with pytest.raises(NsgError) as caught:
        values_of(f"using none\n{text}")
    assert caught.value.field == "parameters"
