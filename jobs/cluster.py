"""A sweep on a Dask cluster: the patients in parts, each judged by whichever worker is free (`jobs.parts`).

It ends as a sweep on one machine ends: the same rows, the same report, and the watermark moved once everybody is
judged. See docs/decisions/0044-a-sweep-on-a-cluster.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import delete, select

from clinical.protocol import Protocol
from data.announcing import MailPolicy
from data.db import Database
from data.errors import BadInput
from data.judge import JudgeCounts
from data.models import SweepPart
from jobs.parts import PROGRAM, Errand, OtherWorker, counts_of, judge_part
from jobs.sweep import SweepReport, Work, advance, concerned
from jobs.sweep_order import CHUNK

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL: Final = "local"
CONNECT_S: Final = 15
LOOK_S: Final = 5.0
DESERTED_S: Final = 60
FORGOTTEN_AFTER: Final = timedelta(days=1)


class ClusterUnavailable(RuntimeError):
    """The cluster cannot be used, or was lost on the way; what its workers committed stays. The message says which."""


def scheduler_address(executor: str) -> str:
    """Host and port of the scheduler that `dask://HOST:PORT` names. Raises BadInput for anything else."""
    found = urlsplit(executor)
    try:
        host, port = found.hostname, found.port
    except ValueError:
        host, port = None, None
    if found.scheme != "dask" or not host or not port or found.path.strip("/") or found.username or found.query:
        raise BadInput(f"--executor {executor!r} is not understood; write local or dask://HOST:PORT")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def sweep_on_cluster(
    database: Database,
    *,
    address: str,
    protocol: Protocol,
    mail: MailPolicy,
    as_of: datetime,
    now: datetime,
    full: bool = False,
    mrn: str | None = None,
) -> SweepReport:
    """Judge whom `jobs.sweep.sweep` would judge, on the workers of the Dask scheduler at `address`.

    Raises ClusterUnavailable without a scheduler or a worker, when all are lost, when one part has killed several
    workers, and for a worker of another program, protocol or database; NotFound for an unknown `mrn`. A part that was
    judged by then stays, and the watermark stays behind, so that the next sweep does the rest.
    """
    with _client(address) as client:
        work = concerned(database, protocol, as_of=as_of, now=now, full=full, mrn=mrn)
        errand = Errand(str(uuid4()), as_of, now, mail, protocol.version, PROGRAM)
        parts = _hand_out(database, errand, work)
        # Only one writes to SQLite at a time, and whoever waits for it too long fails.
        for together in [[number] for number in parts] if database.is_sqlite else [parts]:
            _judge(client, errand, together)
    return SweepReport(
        run=errand.run,
        as_of=as_of,
        patients=len(work.patient_ids),
        counts=_take_in(database, errand, work),
        watermark=work.read_to,
    )


def _hand_out(database: Database, errand: Errand, work: Work) -> list[int]:
    """Write down who is judged in which part; the numbers of the parts."""
    starts = range(0, len(work.patient_ids), CHUNK)
    with database.write() as session:
        session.execute(delete(SweepPart).where(SweepPart.begun_at < errand.now - FORGOTTEN_AFTER))
        session.add_all(
            SweepPart(
                run=errand.run, number=number, begun_at=errand.now, patient_ids=list(work.patient_ids[at : at + CHUNK])
            )
            for number, at in enumerate(starts)
        )
    return list(range(len(starts)))


def _take_in(database: Database, errand: Errand, work: Work) -> JudgeCounts:
    """What the parts came to, which are forgotten here, in the transaction that moves the watermark."""
    counts = JudgeCounts()
    with database.write() as session:
        of_this_run = SweepPart.run == errand.run
        for part in session.scalars(select(SweepPart).where(of_this_run).order_by(SweepPart.number)):
            counts.add(counts_of(part))
        session.execute(delete(SweepPart).where(of_this_run).execution_options(synchronize_session=False))
        if work.after is not None and work.after > work.before:
            advance(session, work.after)
    return counts


@contextmanager
def _client(address: str) -> Iterator[Client]:
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise ClusterUnavailable("Dask is not installed: pip install -r requirements/cluster.txt") from error
    scheme = "tls" if dask.config.get("distributed.comm.require-encryption", default=False) else "tcp"
    try:
        client = Client(f"{scheme}://{address}", timeout=CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise ClusterUnavailable(f"no Dask scheduler answers at {address}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError as error:
            raise ClusterUnavailable(f"the Dask scheduler at {address} has no worker") from error
        yield client


def _judge(client: Client, errand: Errand, numbers: Sequence[int]) -> None:
    """Have the parts judged. Raises ClusterUnavailable as `sweep_on_cluster`, and what a part itself has raised."""
    from distributed import KilledWorker

    futures: list[Future] = client.map(judge_part, [errand] * len(numbers), numbers, pure=False)
    _wait(client, futures)
    for future in futures:
        # The worker that had judged it is gone, and another one finds it judged.
        while future.status == "lost":
            _wait(client, [future])
        if future.status == "cancelled":
            raise ClusterUnavailable("the Dask scheduler was lost during the sweep")
        error: Any = future.exception()
        if isinstance(error, KilledWorker):
            raise ClusterUnavailable("one part of the sweep ended several workers, and was given up") from error
        if isinstance(error, OtherWorker):
            raise ClusterUnavailable(str(error)) from error
        if error is not None:
            raise error


def _wait(client: Client, futures: Sequence[Future]) -> None:
    from distributed import wait

    deserted = 0.0
    while True:
        try:
            wait(futures, timeout=LOOK_S)
        except TimeoutError:
            deserted = 0.0 if client.scheduler_info()["workers"] else deserted + LOOK_S
            if deserted >= DESERTED_S:
                raise ClusterUnavailable(f"the Dask cluster has had no worker for {DESERTED_S} s") from None
        else:
            return
