"""What the help says of redact and of each command, above and below the options."""

from __future__ import annotations

from redact_cli.exit_codes import MEANINGS

RUN_EXAMPLE = "Example: redact run -o published --jobs 2 --resume footage/ extra.jpg"


def paragraphs(*texts: str) -> str:
    """Text in the form in which typer leaves line breaks to the terminal."""
    return "\n\n".join(texts)


REDACT = paragraphs(
    "Finds faces and number plates in videos and pictures and hides them so that nobody can bring "
    "them back.",
    "It works on this computer only: nothing is sent anywhere. Originals are never changed.",
    "It HIDES the faces and plates that its detectors find, also shortly before and after they are "
    "seen, and leaves out what files tell on the side: place, time, camera, thumbnails, subtitles, "
    "chapters.",
    "It does NOT HIDE voices (see run --audio), places, reflections, nor what no detector saw; and "
    "bodies, clothes, tattoos, gait, name tags and screens only as far as run --detect asks for "
    "people, text and screens. LOOK AT THE RESULT before you publish it.",
    "The styles blur, solid and pixelate cannot be undone; gaussian and mosaic can be reversed.",
    "Without a command, redact does what `redact run` does. A file that is called like a command "
    "is named with its folder: redact ./run.",
)

EXAMPLES = paragraphs(
    "Examples:",
    "redact interview.mp4, which is short for redact run interview.mp4",
    "redact run -o published --jobs 2 --resume footage/",
    "redact run --style solid --audio drop --profile thorough march.mov",
    "redact analyse clip.mp4, then redact render clip.mp4",
    f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in MEANINGS)}.",
)

RUN = paragraphs(
    "Redact videos and pictures: find, hide, write NAME.redacted.EXT, and check the result.",
    "The sound is copied unless you choose --audio drop or disguise: voices identify people. The "
    "plan, which says what was hidden and where, is kept beside the result as NAME.redact.json, or "
    "NAME.EXT.redact.json where other files have that name; it holds boxes and times, no pictures.",
    "Each result is then compared with its source, and second-opinion detectors search it for "
    "faces that still show. What they find is hidden as well; if something remains, the result is "
    "held back as NAME.redacted.quarantine.EXT, and the exit code is 13.",
    "Where nothing is hidden in H.264 or VP9 video, frames are copied as they are coded; --encoder "
    "encodes all of them anew.",
    "A file that fails does not stop the others, and leaves no result. The exit code is 0 only if "
    "every file was redacted.",
)

ANALYSE = paragraphs(
    "Find what must be hidden and write it down in a plan, without touching a picture.",
    "The plan is a text file of boxes and times that can be read, changed and kept. All choices, "
    "also the style, are stored in it for `redact render`.",
)

RENDER = paragraphs(
    "Hide what a plan says, write a finished file, and check it.",
    "The plan must be of this very file; its style, encoder and sound are used. The result's "
    "checksum is noted in the plan.",
    "The check is that of `redact run`. A track that an edit of the plan shows stays visible and "
    "is no finding; whatever else still looks like a face is hidden too, and the plan then says "
    "so. --report-only leaves it as the plan has it.",
)

REVIEW = paragraphs(
    "Open a page on which you see what is hidden, correct it, render the result and sign for it.",
    "What has no plan yet is analysed first. Every decision is in the plan file at once, and can "
    "be undone. `redact render` needs no page: it does what the plan says.",
    "The page is served to this computer's own browser only, by an address that works once. "
    "Nothing is sent anywhere, and no picture is written to disk but the result.",
)

VERIFY = paragraphs(
    "Check a finished file against its original, frame by frame.",
    "Its frames, times, streams and tags must be what they should be; inside of what the plan "
    "hides nothing of the original may be left, outside nothing may be changed; and two "
    "second-opinion detectors search for faces that still show.",
    "The exit code is 0 if nothing was found, 12 if something is wrong with the file, 13 if "
    "somebody may still show.",
)

PROVE = paragraphs(
    "Show on a file that what is drawn does not depend on what is hidden.",
    "Every frame is hidden twice: as it is, and with noise in place of all that is hidden. If the "
    "two results are equal bit by bit, nobody can compute what was hidden from what was drawn. "
    "The exit code is 0 if they are, 14 if not, as with gaussian and mosaic.",
)

EDIT_EXAMPLE = """Example: redact edit clip.redact.json add '{"edit": "show", "track": 1}'"""

EDIT = paragraphs(
    "List the edits of a plan, add one, undo the last or bring it back.",
    "An edit is a person's decision: hide, show, style, split, trim, join, correct, note, accept "
    "or sign. docs/plans.md shows what each one says. One that can do nothing is refused. "
    "Who and when stand with it in the plan.",
)

DOCTOR = paragraphs(
    "Tell versions, encoders, weights and checksums, and in words what is missing.",
    "The exit code is 0 if nothing is.",
)

CLUSTER = paragraphs(
    "Prepare and serve a cluster of machines that redact files together, through Dask.",
    "`redact worker URL` is a worker, and `redact run --cluster URL` gives it files. All links are "
    "encrypted, and everyone proves itself by a certificate. Whoever has one can run programs on "
    "the other machines: keep them secret.",
)

WORKER = paragraphs(
    "Be a worker of a cluster: redact the files that clients name, and do nothing else.",
    "It must see these files under the same names, and have the same redact, libraries and "
    "weights. Each file is parsed in a process of its own that can do little else. It waits for a "
    "scheduler that is away, until it is stopped by Ctrl-C or a signal.",
)
