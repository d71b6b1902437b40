r"""Finding problems by their text, in any script.

A text matches if it contains every word that is searched for, anywhere: `方程` finds `求方程的根`, `frac{1}` finds
`\frac{1}{2}`. Width and case of letters do not count. Where SQLite has FTS5 with its trigram tokenizer (3.34), words
of three characters or more are looked up in an index; otherwise, and for shorter words, every text is read. Both give
the same problems. The index is brought up to date by the search that needs it, so that keeping a problem stays cheap
and needs no FTS5.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence

_TRIGRAM = 3  # characters of the shortest word that the index knows
_INDEX = "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(sought, tokenize='trigram')"


def folded(text: str) -> str:
    """The text as it is compared: compatibility characters replaced, lower case, no control characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in plain if char >= " " or char in "\n\t").encode(errors="replace").decode()


def find(database: sqlite3.Connection, text: str, *, indexed: bool = True) -> list[int]:
    """The numbers of the problems that match, in ascending order.

    Args:
        database: The history.
        text: Words between blanks.
        indexed: False: read every text, as where there is no index.
    """
    words = folded(text).split()
    if not words:
        return []
    long = [word for word in words if len(word) >= _TRIGRAM]
    contained = " AND ".join("instr(sought, ?) > 0" for _ in words)
    if long and indexed and _up_to_date(database):
        phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
        query = f"SELECT rowid FROM words WHERE words MATCH ? AND {contained} ORDER BY rowid"  # noqa: S608
        return _numbers(database, query, [phrases, *words])
    return _numbers(database, f"SELECT number FROM problems WHERE {contained} ORDER BY number", words)  # noqa: S608


def _numbers(database: sqlite3.Connection, query: str, values: Sequence[str]) -> list[int]:
    return [int(row[0]) for row in database.execute(query, values)]


def _up_to_date(database: sqlite3.Connection) -> bool:
    """Add to the index what it lacks; False where there can be none: an old SQLite, a file that is only readable."""
    try:
        database.execute("BEGIN IMMEDIATE")
        try:
            database.execute(_INDEX)
            database.execute("DELETE FROM words WHERE rowid IN (SELECT number FROM problems WHERE NOT indexed)")
            database.execute("INSERT INTO words (rowid, sought) SELECT number, sought FROM problems WHERE NOT indexed")
            database.execute("UPDATE problems SET indexed = 1 WHERE NOT indexed")
        except sqlite3.Error:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
    except sqlite3.OperationalError:
        return False
    return True
