"""Go templates; what is expected is what docker's `--format` prints."""

from __future__ import annotations

import pytest

from container_magics.commands.template import Template
from container_magics.errors import UnsupportedError, UsageError

DATA = {
    "ID": "abc",
    "Size": 3,
    "Ok": True,
    "Nothing": None,
    "Tags": ["a:1", "b:2"],
    "Config": {"Env": ["A=1"], "Labels": {"y": "2", "x": "1"}, "Cmd": None},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{.ID}}:{{ .Size }}", "abc:3"),
        ("{{.ID}}\\t{{.Size}}\\n", "abc\t3\n"),
        ("{{.Ok}} {{.Nothing}}", "true <no value>"),
        ("{{.Tags}} {{.Config.Labels}}", "[a:1 b:2] map[x:1 y:2]"),
        ("{{json .Config}}", '{"Env":["A=1"],"Labels":{"y":"2","x":"1"},"Cmd":null}'),
        ("{{.Config.Env | json}}", '["A=1"]'),
        ("{{json .}}", '{"ID":"abc"'),
        ('{{index .Tags 1}} {{index .Config.Labels "x"}}', "b:2 1"),
        ("{{len .Tags}} {{len .Config.Labels}}", "2 2"),
        ('{{join .Tags ", "}}', "a:1, b:2"),
        ("{{upper .ID}} {{.ID | upper | lower}} {{title .ID}}", "ABC abc Abc"),
        ("{{range .Tags}}<{{.}}>{{end}}", "<a:1><b:2>"),
        ("{{range $i, $t := .Tags}}{{$i}}={{$t}};{{end}}", "0=a:1;1=b:2;"),
        ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}", "x=1 y=2 "),
        ("{{range .Config.Cmd}}x{{else}}none{{end}}", "none"),
        ("{{range .Tags}}{{$.ID}}{{end}}", "abcabc"),
        ("{{if .Ok}}yes{{else}}no{{end}}", "yes"),
        ("{{if .Nothing}}yes{{else if .Ok}}other{{else}}no{{end}}", "other"),
        ("{{if and .Ok (eq .Size 3)}}both{{end}}{{if not .Ok}}never{{end}}", "both"),
        ("{{if or .Nothing (gt .Size 5)}}x{{else}}y{{end}}", "y"),
        ("{{with .Config}}{{.Env}}{{end}}", "[A=1]"),
        ("{{$x := .ID}}{{$x}}{{$x}}", "abcabc"),
        ("a {{- .ID -}} b", "aabcb"),
        ("{{/* note */}}x", "x"),
        ('{{printf "%s-%d|%5s|%-5s|%q|%%" .ID .Size .ID .ID .ID}}', 'abc-3|  abc|abc  |"abc"|%'),
        ("{{println .ID}}", "abc\n"),
        ('{{"quoted }" }}{{`raw`}}', "quoted }raw"),
        ("{{truncate .ID 2}}", "ab"),
    ],
)
def test_renders(template: str, text: str) -> None:
    rendered = Template(template).render(DATA)
    assert rendered.startswith(text) if template == "{{json .}}" else rendered == text


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{.Missing}}", '"Missing"'),
        ("{{.ID", "unclosed action"),
        ("{{if .Ok}}x", "{{end}} is missing"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{}}", "missing value"),
        ("{{.ID .Size}}", "one value"),
        ("{{index .Tags 9}}", "index"),
        ("{{range .Size}}{{end}}", "range"),
        ("{{$nowhere}}", "$nowhere"),
        ("{{(len .Tags}}", "parenthesis"),
        ("{{if}}x{{end}}", "missing value"),
    ],
)
def test_says_what_is_wrong(template: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        Template(template).render(DATA)
    assert said in str(raised.value)


def test_refuses_unknown_functions_by_name() -> None:
    with pytest.raises(UnsupportedError, match="'slice'"):
        Template("{{slice .ID 1}}").render(DATA)


def test_a_missing_field_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="Tags"):
        Template("{{.Tag}}").render(DATA)
