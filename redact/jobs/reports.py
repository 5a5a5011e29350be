"""Reports: what a plan and a result tell of their file."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from redact.core.exposure import covered_tracks, style_notes
from redact.core.findings import Kind
from redact.core.kinds import KINDS, USUAL
from redact.core.plan import Plan
from redact.jobs.jobs import Job, Report, Status
from redact.media.formats import has_sound
from redact.people.choice import shown_by_choice
from redact.stages import Outcome


def outcome_report(outcome: Outcome, job: Job) -> Report:
    """What became of a file whose result is there, and whose plan is saved."""
    report = report_on(outcome.plan, job, "redacted")
    return replace(
        report,
        frames=outcome.frames,
        seconds=outcome.seconds,
        verification=outcome.verification,
        copied=outcome.copied,
        notes=report.notes + outcome.notes,
        extent=outcome.extent,
        spans=outcome.spans,
        spans_checked=outcome.spans_checked,
        spans_rendered=outcome.spans_rendered,
    )


def report_on(plan: Plan, job: Job, status: Status) -> Report:
    """What a plan tells of its file: what is hidden, and what is only listed.

    Args:
        plan: The plan as it is in the end.
        job: Which file it is of, and what was made of it.
        status: What was done.
    """
    hidden = plan.hidden_tracks
    kinds = Counter(track.kind for track in hidden)
    searched = {one.kind for one in plan.recipe.passes}
    further = [kind for kind in KINDS if kind not in USUAL and (kind in searched or kinds[kind])]
    ids = {track.id for track in hidden} | covered_tracks(plan)
    listed = [track for track in plan.tracks if track.uncertain and track.id not in ids]
    begins = tuple(sorted(float(track.sightings[0].time) for track in listed))
    made = status != "analysed"
    return Report(
        job.source,
        job.output if made else None,
        status,
        plan.source.frames,
        kinds[Kind.FACE],
        kinds[Kind.PLATE],
        len(hidden),
        len(begins),
        plan=job.plan,
        sound=made and has_sound(job.output),
        searched=tuple(sorted(searched)),
        notes=style_notes(plan),
        further=tuple((kind, kinds[kind]) for kind in further),
        uncertain_at=begins,
        drawn=len(plan.things.regions),
        shown=None if job.people is None else len(shown_by_choice(plan)),
        uncertain_plates=sum(track.kind is Kind.PLATE for track in listed),
    )
