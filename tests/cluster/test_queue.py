"""A long queue: what client and scheduler hold of it is bounded by what is in work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from redact.cluster import executor as executing
from redact.cluster.executor import ClusterExecutor
from redact.cluster.machines import describe_machine
from redact.cluster.messages import Answer, Machine, Order, Proof, encode
from redact.jobs.batch import run
from redact.jobs.jobs import Failure, Job, Report

FILES, AT_ONCE, WORKERS = 600, 64, 3
NOTHING = Failure("EngineError", "nothing was done")


class DoneAtOnce:
    """An answer that is there when it is asked for."""

    is_done = True

    def __init__(self, data: bytes, end: Callable[[], None]) -> None:
        self._data, self._end = data, end

    def answer(self) -> bytes:
        self._end()
        return self._data

    def machine(self) -> Machine:
        return describe_machine()

    def when_done(self, wake: Callable[[], object]) -> None:
        wake()

    def cancel(self) -> None:
        pass


class IdleCluster:
    """A link to workers that answer at once that they did nothing."""

    is_up = True

    def __init__(self) -> None:
        self.at_once, self.most = 0, 0

    def workers(self) -> list[str]:
        return [f"tls://worker:{number}" for number in range(WORKERS)]

    def examine(self, _: str) -> DoneAtOnce:
        return DoneAtOnce(b"", lambda: None)

    def redact(self, _: str, order: Order) -> DoneAtOnce:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        report = Report(order.job.source, order.job.output, "failed", failure=NOTHING)
        return DoneAtOnce(encode(Answer(report=report)), self._end)

    def _end(self) -> None:
        self.at_once -= 1

    def close(self) -> None:
        pass


def test_no_more_is_held_than_there_are_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = Proof(1, "", tmp_path / "mark", "")
    monkeypatch.setattr(executing.Marks, "prove", lambda *_: proof)
    model = Job(tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "b.json")
    jobs = [replace(model, output=tmp_path / f"{number}.jpg") for number in range(FILES)]
    cluster = IdleCluster()
    made = ClusterExecutor(lambda _: cluster, [tmp_path], print)  # type: ignore[arg-type, return-value]
    ended, handed = 0, 0
    with made as executor:
        submit = executor.submit

        def counted(*how: object) -> object:
            nonlocal handed
            handed += 1
            assert handed - ended <= AT_ONCE
            return submit(*how)  # type: ignore[arg-type]

        monkeypatch.setattr(executor, "submit", counted)
        for report in run(jobs, AT_ONCE, executor=lambda: executor):
            assert report.failure == NOTHING
            ended += 1
    assert ended == FILES
    assert cluster.most == WORKERS
    assert (made._tries, len(made._waiting), made._splits._splits) == ({}, 0, {})
