"""Files that come with load jobs: multipart in one call, resumable in many.

The proxy takes them itself and hands the emulator a load of a local file: bqemulator's own upload route ignores the
job id that the client chose, and a lost answer could not be looked up.
"""

import json
import re
import shutil
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any
from uuid import uuid4

from backcourt.warehouse.proxy.answers import Refused

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-\d+|\*)/(?P<total>\d+|\*)")


@dataclass(eq=False)
class Session:
    """A resumable upload: the job resource that it began with, what has come so far, at last the id of the job."""

    upload_id: str
    project: str
    resource: dict[str, Any]
    file: Path
    received: int = 0
    job_id: str = ""

    def append(self, content_range: str, data: bytes) -> bool:
        """Take a chunk; whether the file is now whole. What came before is dropped, a gap is left to the client.

        Raises:
            Refused: the Content-Range header makes no sense.
        """
        found = _RANGE.fullmatch(content_range) if content_range else None
        if content_range and not found:
            raise Refused("invalid", f"Content-Range {content_range!r} cannot be read.")
        first = int(found["first"] or 0) if found else 0
        if data and first <= self.received:
            fresh = data[self.received - first :]
            with self.file.open("ab") as file:
                file.write(fresh)
            self.received += len(fresh)
        total = found["total"] if found else str(len(data))
        return total != "*" and self.received >= int(total)


class Uploads:
    """Keeps uploaded files under a folder until their job has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions: dict[str, Session] = {}
        shutil.rmtree(folder, ignore_errors=True)  # what a killed server left
        folder.mkdir(parents=True)

    def begin(self, project: str, resource: dict[str, Any]) -> Session:
        """Begin a resumable upload."""
        upload_id = uuid4().hex
        session = Session(upload_id, project, resource, self._folder / upload_id)
        session.file.touch()
        self._sessions[upload_id] = session
        return session

    def session(self, upload_id: str) -> Session:
        """The upload of that id.

        Raises:
            Refused: there is none.
        """
        if upload_id not in self._sessions:
            raise Refused("notFound", f"No upload {upload_id!r}.")
        return self._sessions[upload_id]

    def whole(self, content_type: str, body: bytes) -> tuple[dict[str, Any], Path]:
        """The job resource and the file of a multipart upload.

        Raises:
            Refused: the body is not what Google's clients send (`multipart/related`, JSON first, then the file).
        """
        boundary = _BOUNDARY.search(content_type)
        mark = b"--" + boundary[1].encode() if boundary else b""
        head, tail = body.find(mark), body.rfind(mark) if mark else -1
        middle = body.find(mark, head + 1)
        if not mark or not 0 <= head < middle < tail:
            raise Refused("invalid", "A multipart upload has two parts: the job resource and the file.")
        resource = json.loads(_content(body[head + len(mark) : middle]))
        path = self._folder / uuid4().hex
        path.write_bytes(_content(body[middle + len(mark) : tail]))
        return resource, path


def _content(part: bytes) -> bytes:
    """A part without its headers and the line breaks around it."""
    headers, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    encoding = BytesHeaderParser().parsebytes(headers).get("content-transfer-encoding", "binary")
    if encoding.lower() not in ("binary", "8bit", "7bit"):
        raise Refused("invalid", f"Content-Transfer-Encoding {encoding} is not supported.")
    return content.removesuffix(b"\r\n")
