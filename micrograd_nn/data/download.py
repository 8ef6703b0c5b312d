"""Fetching a file once, from the first mirror that gives the right bytes.

Promise (tests/test_data.py, against a server that misbehaves): what is handed on has the checksum that was asked for;
every fault of the network comes out as a FileError that says which mirror failed and how.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence

from ..errors import FileError, FormatError, counted
from ..progress import progress_bar
from .idx import LIMIT, unzipped

CHUNK = 1 << 16


def fetch(name: str, md5: str, mirrors: Sequence[str], *, timeout: float = 30.0, progress: bool = True) -> bytes:
    """The file ``name`` from one of the mirrors (URLs that end in /); ``md5`` is that of the unzipped bytes.

    The mirrors are tried in order. Raises FileError, which lists what each of them did, if none is left.
    """
    faults = []
    for mirror in mirrors:
        try:
            content = _read(mirror + name, timeout, progress)
            found = hashlib.md5(unzipped(content, name), usedforsecurity=False).hexdigest()
            if found == md5:
                return content
            faults.append(f"{mirror}: wrong checksum {found}, wanted {md5}")
        except (OSError, http.client.HTTPException, FormatError) as error:
            faults.append(f"{mirror}: {_reason(error)}")
    raise FileError(f"{name} could not be fetched. " + "; ".join(faults))


def _read(url: str, timeout: float, progress: bool) -> bytes:
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        promised = int(answer.headers.get("Content-Length") or 0)
        name = url.rsplit("/", 1)[-1]
        content = bytearray()
        with progress_bar(progress, desc=name, total=promised or None, unit="B", unit_scale=True) as bar:
            while piece := answer.read(CHUNK):
                content += piece
                bar.update(len(piece))
                if len(content) > LIMIT:
                    raise FileError(f"sends more than {LIMIT >> 20} MB")
    if len(content) < promised:
        raise FileError(f"sent {len(content)} of {counted(promised, 'byte')}")
    return bytes(content)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    return str(error) or type(error).__name__
