"""Instructions that change the configuration only."""

from ..model import Case

CASES = [
    Case("cmd_exec", 'FROM busybox:test\nCMD ["echo", "a b", "<&>", "\\u00e9\\n"]\n'),
    Case("cmd_shell", "FROM busybox:test\nCMD echo $HOME 'a  b' && true\n"),
    Case("cmd_twice", 'FROM busybox:test\nCMD echo a\nCMD ["b"]\n'),
    Case("entrypoint_drops_cmd", 'FROM busybox:test\nENTRYPOINT ["/bin/echo"]\n'),
    Case("entrypoint_keeps_cmd", 'FROM busybox:test\nCMD ["x"]\nENTRYPOINT exec top -b\n'),
    Case(
        "env",
        "FROM busybox:test\nENV A=1 B=\"two words\" C='$A' D=x\\ y\nENV OLD form with $A\n"
        "ENV A=2 B=$A${B:+set}${N:-unset} PATH=/x:$PATH\nRUN env > /out\n",
    ),
    Case(
        "expose", "FROM busybox:test\nARG P=9000\nEXPOSE 80 443/TCP 53/udp 80/tcp\nEXPOSE $P-9002\n"
    ),
    Case(
        "label",
        'FROM busybox:test\nLABEL a=1 "b c"="d e" e=\'$X\'\nENV X=x\nLABEL a=$X \\\n  multi="1\\\n2"\n',
    ),
    Case("user", "FROM busybox:test\nUSER me\nRUN id > /tmp/a\nUSER 1000:0\nRUN id > /tmp/b\n"),
    Case("user_number_unknown", "FROM busybox:test\nUSER 4321\nRUN id > /tmp/a; touch /tmp/x\n"),
    Case("volume", 'FROM busybox:test\nENV V=/v\nVOLUME $V /w\nVOLUME ["/x y"]\n'),
    Case(
        "shell",
        'FROM busybox:test\nSHELL ["/bin/sh", "-ec"]\nRUN echo $0 > /out\nCMD run it\n'
        "ENTRYPOINT start\nHEALTHCHECK CMD probe\n",
    ),
    Case("stopsignal", "FROM busybox:test\nENV S=SIGUSR1\nSTOPSIGNAL 9\nSTOPSIGNAL $S\n"),
    Case(
        "healthcheck",
        "FROM busybox:test\n"
        "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=2h --retries=3 "
        'CMD ["probe", "-x"]\n',
    ),
    Case(
        "healthcheck_shell", "FROM busybox:test\nHEALTHCHECK --retries=12 CMD wget -q localhost\n"
    ),
    Case("healthcheck_none", "FROM busybox:test\nHEALTHCHECK NONE\n"),
    Case("maintainer", "FROM busybox:test\nMAINTAINER Ann Other <a@example.org>\nENV A=1\n"),
    Case(
        "expansion",
        "FROM busybox:test\nENV A=abc\nENV B=${A}x C=$Ax D=\\$A E=\"$A\" F='$A' G=${Z:-$A}\n"
        "WORKDIR /$A\nLABEL l=${A:+yes}${Z:+no}\nUSER ${Z:-root}\n",
    ),
    Case(
        "escape_directive",
        "# escape=`\nFROM busybox:test\nENV A=c:\\dir `\n  B=2\nRUN echo $A `\n  $B > /out\n",
    ),
]
