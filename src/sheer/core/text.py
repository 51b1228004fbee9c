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
