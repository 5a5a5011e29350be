"""Long videos that free workers help with: which spans of which files they search for others.

The worker that has the file analyses it from its start and finds in the detection cache what others
have put there. They begin with the last span, so that they meet it, and nobody ever waits for
anybody. Whatever they do not send, it does itself. When it renders, they draw and encode spans in
the same way, and when it checks the result, they search the draft.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from redact.cluster.link import Asked, Link
from redact.cluster.members import Member, Members
from redact.cluster.messages import COUNT, Answer, Proof, decode
from redact.cluster.tries import TRIES, Item, Try
from redact.detect.cache import SEGMENT, remove_caches
from redact.errors import ClusterError, OutputError, RedactError, class_named, printable
from redact.jobs.jobs import Failure
from redact.media.files import VIDEO_SUFFIXES

MOST = 1 << 14
"""Spans of a video; of one that is said to have more, the count is not believed."""

_ANALYSIS, _RENDERING, _CHECK = "analyse", "render", "verify"
"""The phases in which spans are of use: searched in the source, drawn, searched in the draft."""


def _phase(stage: str) -> str:
    """What a file is in; one that has not told yet will be analysed."""
    return _ANALYSIS if stage in {"", "resume"} else stage


@dataclass(slots=True, eq=False)
class SpanTry:
    """A span that a worker has, of the source or of a draft."""

    split: Split
    phase: str
    span: int
    asked: Asked
    member: Member
    heard: float
    proof: Proof


@dataclass(slots=True, eq=False)
class Split:
    """One file, and what became of its spans so far.

    Args:
        item: The file.
        spans: How many it has; None until that is known, 0 if it is not divided.
        frames: How many frames it has, about.
        busy: Spans that workers have.
        done: Spans that lie beside the output.
        given_up: Spans that the file's own worker must do.
        losses: The workers that were lost with each.
        failures: How many spans could not be searched.
        phase: What the file is in; all of the above but the first two is of that.
        searched_by: Which worker searched each span of the source.
    """

    item: Item
    spans: int | None = None
    frames: int = 0
    busy: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    losses: dict[int, list[str]] = field(default_factory=dict)
    failures: int = 0
    phase: str = _ANALYSIS
    searched_by: dict[int, str] = field(default_factory=dict)

    def enter(self, phase: str) -> None:
        """Whatever was searched is of no use any more once the file is in another phase."""
        if phase != self.phase:
            self.phase, self.failures = phase, 0
            for spans in (self.done, self.given_up, self.losses):
                spans.clear()

    def avoid(self, span: int) -> set[str]:
        """Workers that are to search a span only if there is no other.

        Whoever searched it in the source is not the best to check it: a machine that finds nobody
        there finds nobody here.
        """
        checked = self.phase == _CHECK and span in self.searched_by
        return {*self.losses.get(span, ()), *([self.searched_by[span]] if checked else ())}

    def next_span(self, one: Try) -> int | None:
        """The last span that nobody has or had; None if the file's own worker is nearly there."""
        if self.spans is None:
            return None if COUNT in self.busy | self.given_up else COUNT
        if self.failures >= TRIES or not self.spans:
            return None
        at = self.spans * one.frames // self.frames
        taken = self.busy | self.done | self.given_up
        return next((n for n in range(self.spans - 1, at + 1, -1) if n not in taken), None)


class Splits:
    """The spans of all files that are in work.

    Args:
        notice: Told in words about files that are divided, and losses.
        patience: Seconds without news after which a worker is lost.
        prove: What a worker must see of a file, from its source and its output.
    """

    def __init__(
        self,
        notice: Callable[[str], None],
        patience: float,
        prove: Callable[[Path, Path], Proof],
    ) -> None:
        self._notice, self._patience, self._prove = notice, patience, prove
        self._splits: dict[Item, Split] = {}
        self.tries: dict[int, SpanTry] = {}

    def assign(
        self, link: Link, members: Members, files: dict[int, Try], number: Callable[[], int]
    ) -> None:
        """Give spans to workers that are free, while no file waits.

        Args:
            link: To the scheduler.
            members: The workers.
            files: The files that workers have.
            number: Gives numbers of orders.
        """
        while (chosen := self._choose(files)) is not None:
            split, span, one = chosen
            member = members.free_for(split.avoid(span)) or members.free_for(())
            if member is None:
                return
            member.number = new = number()
            in_draft = split.phase == _CHECK and span != COUNT
            to_draw = split.phase == _RENDERING and span != COUNT
            if (in_draft or to_draw) and not split.busy | split.done | split.given_up:
                name, do = printable(split.item.job.source), "search" if in_draft else "render"
                self._notice(f"{name}: free workers {do} spans of its result, too")
            order = replace(one.order, span=span, number=new, in_draft=in_draft, to_draw=to_draw)
            asked = link.redact(member.address, order)
            self.tries[new] = SpanTry(
                split, split.phase, span, asked, member, monotonic(), order.proof
            )
            split.busy.add(span)

    def _choose(self, files: dict[int, Try]) -> tuple[Split, int, Try] | None:
        """The span of the file of which most is left."""
        found: list[tuple[int, Split, int, Try]] = []
        for one in files.values():
            is_video = one.item.job.source.suffix.lower() in VIDEO_SUFFIXES
            if not is_video or one.report is not None or one.stage not in self._useful(one):
                continue
            split = self._splits.setdefault(one.item, Split(one.item))
            split.enter(_phase(one.stage))
            span = split.next_span(one)
            if span is not None:
                found.append((span if span != COUNT else 1 << 30, split, span, one))
        return max(found, key=lambda it: it[0])[1:] if found else None

    def _useful(self, one: Try) -> set[str]:
        """The stages in which spans of a file are of use."""
        checked = one.order.job.checking is not None
        return {_ANALYSIS, "resume", *([_RENDERING, _CHECK] if checked else ())}

    def hear(self, number: int) -> None:
        """There is a sign of life from the worker that has a span."""
        if number in self.tries:
            self.tries[number].heard = monotonic()

    def go_on(self, members: Members, files: dict[int, Try]) -> None:
        """Read what workers answer, and give up those that are silent or not needed any more."""
        for file in files.values():
            if file.item in self._splits:
                self._splits[file.item].enter(_phase(file.stage))
        for number, one in list(self.tries.items()):
            split = one.split
            if split.phase != one.phase or split.item not in self._splits:
                self._end(number)
                one.asked.cancel()
            elif one.asked.is_done:
                self._take(number, members)
            elif monotonic() - one.heard > self._patience:
                members.forget(one.member)
                self.lose(number, f"no news for {self._patience:.0f} seconds")

    def _take(self, number: int, members: Members) -> None:
        one = self.tries[number]
        split = one.split
        try:
            answer = decode(one.asked.answer(), Answer)
        except ClusterError as error:
            self.lose(number, str(error))
            return
        if answer.refused is not None:
            self._end(number)
            if self._has_changed(split.item, one.proof):
                split.failures = TRIES
            else:
                members.refuse(one.member, answer.refused)
        elif one.span == COUNT and answer.count is not None:
            self._end(number)
            count = answer.count
            fits = 1 < count.spans <= MOST and count.frames > 0
            split.spans, split.frames = (count.spans, count.frames) if fits else (0, 0)
            if fits:
                name = printable(split.item.job.source)
                self._notice(f"{name}: free workers search its spans of {SEGMENT} seconds, too")
        elif answer.span == one.span != COUNT:
            self._end(number)
            split.done.add(one.span)
            if one.phase == _ANALYSIS:
                split.searched_by[one.span] = one.member.address
        elif answer.failed is not None:
            self._end(number)
            split.given_up.add(one.span)
            split.failures += 1
            done = "rendered" if one.phase == _RENDERING else "searched"
            self._notice(f"{self._name(one)} cannot be {done} elsewhere: {answer.failed}")
        else:
            self.lose(number, answer.lost or "it said nothing")

    def lose(self, number: int, why: str) -> None:
        """A worker was lost with a span, which another one tries."""
        one = self._end(number)
        one.asked.cancel()
        losses = one.split.losses.setdefault(one.span, [])
        losses.append(one.member.address)
        again = len(losses) < TRIES
        if not again:
            one.split.given_up.add(one.span)
        then = "another worker tries it" if again else "it is done with the rest of the file"
        self._notice(f"{self._name(one)}, {one.member.name}: {why}; {then}")

    def _name(self, one: SpanTry) -> str:
        name = printable(one.split.item.job.source)
        if one.span == COUNT:
            return name
        return f"{name}, span {one.span}{'' if one.phase == _ANALYSIS else ' of the result'}"

    def _has_changed(self, item: Item, proof: Proof) -> bool:
        """Whether a file is not what it was when its own worker was shown it."""
        try:
            return self._prove(item.sent.source, item.sent.output) != proof
        except (RedactError, OSError):
            return True

    def _end(self, number: int) -> SpanTry:
        one = self.tries.pop(number)
        one.split.busy.discard(one.span)
        if one.member.number == number:
            one.member.number = None
        return one

    def lose_file(self, item: Item) -> None:
        """The file is begun anew, and with `force` its cache too."""
        if item in self._splits and item.job.force:
            self._splits[item].done.clear()

    def end_file(self, item: Item, failure: Failure | None) -> None:
        """The file is at its end; a worker may have put a span there since.

        Args:
            item: The file.
            failure: Why it was not redacted; what another run may use stays.
        """
        split = self._splits.pop(item, None)
        stays = failure is not None and issubclass(class_named(failure.kind), OutputError)
        if split is not None and not stays:
            remove_caches(item.job.output.parent, item.job.output)

    def forget_all(self) -> None:
        """The scheduler is gone, and with it whatever was asked."""
        for number in list(self.tries):
            self._end(number)

    def cancel_all(self) -> set[int]:
        """Nothing is wanted any more; gives the numbers of what was in work."""
        for one in self.tries.values():
            one.asked.cancel()
        return set(self.tries)
