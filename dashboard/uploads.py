"""Where the import page sends files: straight to the disk, piece by piece, within limits of size and time.

A file comes as the body of the request with its name in `X-File-Name`, or several in one form. The address and the
name a browser gives are only ever text.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import IO, Any, cast
from urllib.parse import unquote

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from clinical.saying import say
from dashboard.language import _, tell
from dashboard.policy import Policy, note_activity
from dashboard.request import current_actor, current_database, current_settings, request_now
from data.errors import BadInput
from data.intake.import_jobs import open_job
from data.intake.uploads import LARGEST_UPLOAD, MOST_FILES, TooMuch, Upload, remove_old, sources, upload_folder
from data.people import IMPORTING_ROLES

UPLOAD_PATH = "/import/upload"
ENDPOINT = "import.upload"
UPLOADS = Policy(IMPORTING_ROLES, scoped=True)
# What a form writes around its files.
FRAME = 64 * 1024
# Nobody who really sends is silent for so long; a sender who is would hold a thread of the web process.
SILENT_S = 10
LONGEST_S = 120


def install_uploads(server: Flask) -> None:
    """Add the route."""
    server.add_url_rule(UPLOAD_PATH, ENDPOINT, _receive, methods=["POST"])


def _receive() -> ResponseReturnValue:
    note_activity()
    request.max_content_length = LARGEST_UPLOAD + FRAME
    _limit_silence()
    folder = upload_folder(current_settings())
    remove_old(folder, request_now())
    upload = Upload(folder)
    try:
        _take(upload)
        found = sources(folder, upload.id, upload.files)
        with current_database().write() as session:
            open_job(session, current_actor(), id=upload.id, files=upload.files, format=found.format, now=request_now())
    except (TooMuch, RequestEntityTooLarge):
        upload.discard()
        return _refused(
            413, _("One upload holds at most {mb} MB and {n} files", mb=LARGEST_UPLOAD // 1024 // 1024, n=MOST_FILES)
        )
    except (TimeoutError, ClientDisconnected, ConnectionError):
        upload.discard()
        return _refused(408, _("The file did not arrive whole; send it again"))
    except BadInput as refused:
        upload.discard()
        return _refused(400, tell(refused.args[0]))
    except BaseException:
        upload.discard()
        raise
    return jsonify({"job": upload.id}), 201


def _take(upload: Upload) -> None:
    stream = cast(IO[bytes], _Whole(request.stream, request.content_length))
    if request.mimetype == "multipart/form-data":
        parser = FormDataParser(max_form_memory_size=FRAME, max_form_parts=MOST_FILES + 5)
        _stream, _form, files = parser.parse(stream, request.mimetype, request.content_length, request.mimetype_params)
        for _name, storage in files.items(multi=True):
            with closing(storage):
                upload.take(storage.stream, storage.filename)
    else:
        upload.take(stream, unquote(request.headers.get("X-File-Name", "")))
    if not upload.files:
        raise BadInput(say("no file came with the request"))


class _Whole:
    """A stream that gives up once the whole upload has taken too long, or ended before the length it announced.

    gunicorn ends a body that was cut off as if it were whole.
    """

    def __init__(self, stream: IO[bytes], length: int | None) -> None:
        self._stream = stream
        self._left = length or 0
        self._until = time.monotonic() + LONGEST_S

    def read(self, size: int = -1) -> bytes:
        if time.monotonic() > self._until:
            raise TimeoutError
        piece = self._stream.read(size)
        self._left -= len(piece)
        if not piece and size != 0 and self._left > 0:
            raise ClientDisconnected
        return piece


def _limit_silence() -> None:
    """Let a read from a silent sender fail. gunicorn hands its socket along; its threads would wait for ever."""
    socket: Any = request.environ.get("gunicorn.socket")
    if socket is not None:
        with suppress(OSError):
            socket.settimeout(SILENT_S)


def _refused(code: int, why: str) -> ResponseReturnValue:
    # What is left of the body is not read: the connection cannot be used again.
    return jsonify({"error": _("Not taken"), "advice": f"{why}."}), code, {"Connection": "close"}
