"""What a file is that does not begin as a GGUF does: by its first bytes, for an error message.

Signatures: Git LFS (docs/spec.md in github.com/git-lfs/git-lfs), git-annex pointer files, safetensors (8 bytes of
length, then JSON), PyTorch (zip, or a pickle), GGML before GGUF (the old `GGML_FILE_MAGIC_*`), HDF5, archives.
"""

from __future__ import annotations

import re

HEAD = 512  # bytes that decide
_CONVERT = "`qmath convert` converts a checkpoint to GGUF"
_AGAIN = "download the model again"
_UNPACK = "unpack it, and give the .gguf in it"
_BLANK = rb"(\xef\xbb\xbf|\s)*"

#: How a file begins, the end of a sentence that begins with `x is not a GGUF file`, and what to do.
_SIGNATURES = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what, hint)
    for pattern, what, hint in (
        (rb"$", ": it is empty", _AGAIN),
        (rb"\x00+$", ": it begins with zeros, as a download that has not finished", _AGAIN),
        (
            _BLANK + rb"version https://(git-lfs|hawser)\.github\.com/spec/v",
            " but a pointer of Git LFS: the model itself is elsewhere",
            "git lfs pull, in the folder that was cloned; or download the file",
        ),
        (_BLANK + rb"[./]*(\.git/|/)annex/objects/", " but a pointer of git-annex", "git annex get FILE"),
        (
            _BLANK + rb"<(!doctype|html|head|\?xml|error)",
            " but a web page, as a server sends it instead of a file",
            "download the file itself, not its page",
        ),
        (rb".{6}\x00\x00\{", " but safetensors, a file of a checkpoint", f"{_CONVERT}: give it the whole folder"),
        (
            rb"PK\x03\x04|\x80[\x02-\x05]",
            " but a checkpoint of PyTorch, or a zip archive",
            f"{_CONVERT} whose files are safetensors; unpack an archive first",
        ),
        (
            rb"lmgg|fmgg|tjgg|algg|ggml|ggmf|ggjt|ggla",
            " but GGML, the format before it",
            "download a GGUF of this model, or convert the checkpoint",
        ),
        (rb"\x89HDF", " but HDF5", _CONVERT),
        (rb"\x1f\x8b", " but a gzip archive", _UNPACK),
        (rb"\xfd7zXZ\x00", " but an xz archive", _UNPACK),
        (rb"7z\xbc\xaf\x27\x1c", " but a 7z archive", _UNPACK),
        (rb"\x28\xb5\x2f\xfd", " but a zstd archive", _UNPACK),
        (rb"Rar!", " but a rar archive", _UNPACK),
        (rb"BZh", " but a bzip2 archive", _UNPACK),
        (_BLANK + rb"[{\[]", " but JSON", _CONVERT),
    )
)


def identify(head: bytes) -> tuple[str, str]:
    """What a file is.

    Args:
        head: Its first `HEAD` bytes, or all of it.

    Returns:
        The end of a sentence that begins with `x is not a GGUF file`; empty if nothing is known. And a hint.
    """
    found = ((what, hint) for pattern, what, hint in _SIGNATURES if pattern.match(head))
    return next(found, ("", _CONVERT))
