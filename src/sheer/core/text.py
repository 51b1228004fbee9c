"""Text for terminals that cannot show every sign."""

import sys

PLAIN = str.maketrans("━─│┃┏┓┡┩┳╇┼├┤└┘┴", "=-||++++++++++++")


def printable(text: str) -> str:
    """The text with lines of signs that any terminal has, where stdout cannot show better ones.

    >>> printable("━━── 1s")
    '━━── 1s'
    """
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return text.translate(PLAIN)
    return text


def without_controls(text: str) -> str:
    """The text with signs that steer a terminal, or cannot be seen, written out: they may stand in
    a file that someone else made.

    >>> without_controls("a\\x1b[2Jb · c")
    'a\\\\x1b[2Jb · c'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
