"""Environment replacement."""

from ..model import Case, section, stated
from .material import HEAD, PATH

CASES = [
    *section(
        "Environment replacement",
        Case(
            "expansion",
            "FROM busybox:test\nENV A=abc\nENV B=${A}x C=$Ax D=\\$A E=\"$A\" F='$A' G=${Z:-$A}\n"
            "WORKDIR /$A\nLABEL l=${A:+yes}${Z:+no}\nUSER ${Z:-root}\n",
        ),
        Case(
            "operators_minus_and_plus",
            HEAD + "ENV S=set E=\nENV A=${S:-w}${E:-w}${U:-w} B=${S:+w}${E:+w}${U:+w}\n",
        ),
        Case(
            "operator_word_is_expanded",
            HEAD + 'ENV S=set\nENV A=${U:-$S/${S}x} B=${U:-${V:-deep}} C=${S:+"q $S"}\n',
        ),
        Case(
            "operator_question",
            HEAD + 'ENV S=set\nENV A=${S:?no} B=${S?no}\nLABEL l="${U:?tell them}"\n',
            error="DockerfileError",
            words="tell them",
            line=4,
        ),
        Case(
            "operator_question_unset_only",
            HEAD + "ENV E=\nENV A=${E?no}\nLABEL l=${U?gone}\n",
            error="DockerfileError",
            words="gone",
            line=4,
        ),
        Case("brace_not_closed", HEAD + "ENV A=${B\n", error="DockerfileError", line=2),
        Case(
            "operator_unknown",
            HEAD + "ENV A=${B:=c}\n",
            error="DockerfileError",
            words="unsupported modifier",
            line=2,
        ),
        Case(
            "same_value_through_the_instruction",
            HEAD + "ENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n",
        ),
        Case(
            "escaped_names",
            HEAD
            + "ENV FOO=/bar\nWORKDIR ${FOO}\nADD . $FOO\nCOPY \\$FOO /quux\nENV A=\\$FOO B=\\${FOO} C='${FOO}' D=\"\\$FOO\"\n",
            {"$FOO": "f"},
        ),
        Case("positional_and_special_names", HEAD + "ENV A=$1x B=$@ C=$# D=$ E=${1} F=$1a_b\n"),
        Case(
            "each_instruction_that_replaces",
            HEAD
            + "ENV V=1 S=SIGUSR1 N=n U=me\nLABEL l$V=$V\nEXPOSE 8${V}/tcp\nSTOPSIGNAL $S\nVOLUME /$N\nUSER $U\nWORKDIR /tmp/$N\nCOPY $N ./c$V\nADD $N ./a$V\nONBUILD ENV O=$V\n",
            {"n": "n"},
        ),
        Case(
            "instructions_that_do_not_replace",
            HEAD
            + 'ENV V=1\nCMD ["$V"]\nENTRYPOINT echo $V\nSHELL ["/bin/sh", "-c", "$V"]\nHEALTHCHECK CMD echo $V\n',
        ),
        Case("unset_names", HEAD + 'ENV A=$U B=${U} C=x${U}y\nLABEL l="$U"\n'),
        stated(
            "pattern_prefix",
            HEAD + "ENV S=foobarbaz\nENV A=${S#f*b} B=${S##f*b} C=${S#x} D=${S#?}\n",
            {},
            {},
            "ENV S=foobarbaz",
            "ENV A=arbaz B=az C=foobarbaz D=oobarbaz",
            config={"Env": [PATH, "S=foobarbaz", "A=arbaz", "B=az", "C=foobarbaz", "D=oobarbaz"]},
        ),
        stated(
            "pattern_suffix",
            HEAD + "ENV S=foobarbaz\nENV A=${S%b*} B=${S%%b*} C=${S%x} D=${S%?}\n",
            {},
            {},
            "ENV S=foobarbaz",
            "ENV A=foobar B=foo C=foobarbaz D=foobarba",
            config={"Env": [PATH, "S=foobarbaz", "A=foobar", "B=foo", "C=foobarbaz", "D=foobarba"]},
        ),
        stated(
            "pattern_replacement",
            HEAD + "ENV S=foobarbaz\nENV A=${S/ba/fo} B=${S//ba/fo} C=${S/b?r/} D=${S//x/y}\n",
            {},
            {},
            "ENV S=foobarbaz",
            "ENV A=fooforbaz B=fooforfoz C=foobaz D=foobarbaz",
            config={
                "Env": [
                    PATH,
                    "S=foobarbaz",
                    "A=fooforbaz",
                    "B=fooforfoz",
                    "C=foobaz",
                    "D=foobarbaz",
                ]
            },
        ),
        stated(
            "pattern_literal_and_variable",
            HEAD + "ENV S=a*b?c P=a*\nENV A=${S#a\\*} B=${S%\\?c} C=${S#$P} D=${U#x}\n",
            {},
            {},
            "ENV S=a*b?c P=a*",
            "ENV A=b?c B=a*b C=*b?c D=",
            config={"Env": [PATH, "S=a*b?c", "P=a*", "A=b?c", "B=a*b", "C=*b?c", "D="]},
        ),
        stated(
            "operators_without_colon",
            HEAD + "ENV S=set E=\nENV A=${S-w}${E-w}${U-w} B=${S+w}${E+w}${U+w}\n",
            {},
            {},
            "ENV S=set E=",
            "ENV A=setw B=ww",
            config={"Env": [PATH, "S=set", "E=", "A=setw", "B=ww"]},
        ),
    ),
]
