"""LABEL and MAINTAINER."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "LABEL",
        Case(
            "label",
            'FROM busybox:test\nLABEL a=1 "b c"="d e" e=\'$X\'\nENV X=x\nLABEL a=$X \\\n  multi="1\\\n2"\n',
        ),
        Case("label_multi", HEAD + 'LABEL a=1 a=2\nLABEL a=3\nLABEL b="é日" c="x\\ny" d="<&>"\n'),
        Case("label_bare", HEAD + "LABEL a\n", error="DockerfileError", line=2),
        Case("label_nokey", HEAD + "LABEL =x\n", error="DockerfileError", line=2),
        Case(
            "label_reference_examples",
            HEAD
            + 'LABEL "com.example.vendor"="ACME Incorporated"\nLABEL com.example.label-with-value="foo"\nLABEL version="1.0"\nLABEL description="This text illustrates \\\nthat label-values can span multiple lines."\nLABEL multi.label1="value1" \\\n      multi.label2="value2" \\\n      other="value3"\n',
        ),
        Case(
            "label_interpolation",
            HEAD + "ENV ENV_VAR=x\nLABEL a=\"foo-$ENV_VAR\" b='foo-$ENV_VAR' c=foo-${ENV_VAR}\n",
        ),
        Case(
            "label_inherited_and_overridden",
            "FROM label:1\nLABEL b=mine c=3\n",
            before={"label:1": HEAD + "LABEL a=1 b=2\n"},
        ),
        Case(
            "label_of_other_stages",
            "FROM busybox:test AS used\nLABEL used=1\nRUN echo 1 > /1\nFROM busybox:test AS based\nLABEL based=1\nFROM based\nCOPY --from=used /1 /1\n",
        ),
        Case("label_old_form", HEAD + "LABEL name a b  c\n"),
        Case("label_empty_value", HEAD + 'LABEL a= b=""\n'),
    ),
    *section(
        "MAINTAINER (deprecated)",
        Case("maintainer", "FROM busybox:test\nMAINTAINER Ann Other <a@example.org>\nENV A=1\n"),
        Case("maint_user", HEAD + "MAINTAINER a\nMAINTAINER $PATH b\n"),
    ),
]
