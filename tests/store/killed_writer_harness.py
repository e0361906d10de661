"""Writes a journal until it is killed, as often as the test asks.

`python killed_writer_harness.py JOURNAL`: for each line on standard input a fresh process resumes
the session and prints `saved N` once turn N is on disk. The parent prints `writer PID` before and
`ended` after it. The processes are forks, so that hundreds of them take seconds.
"""

import os
import sys
from itertools import count
from pathlib import Path

from tui_voice.conversation import events as e
from tui_voice.store.journal import Journal
from tui_voice.store.reading import read


def write_turns(path: Path) -> None:
    opened = e.SessionOpened(id=path.stem, started="2026-04-01T12:00:00Z", backend="b", model="m")
    if path.exists() and path.stat().st_size:
        events = read(path).events
        first = sum(isinstance(event, e.TranscriptDone) for event in events)
        journal = Journal.open(path)
        journal.append(e.SessionResumed(backend="b", model="m"))
    else:
        path.unlink(missing_ok=True)  # killed between creating the file and its first line
        first = 0
        journal = Journal.create(path.parent, opened)
    for n in count(first):
        item = f"item_{n}"
        journal.append(e.TurnAdded(at=n, item_id=item, role="assistant"))
        for k in range(n % 5):
            journal.append(e.TranscriptGrew(at=n, item_id=item, text=f"word {k} "))
        journal.append(e.TranscriptDone(at=n, item_id=item, text=f"turn {n} " * (1 + n % 300)))
        if journal.sync().result():
            os.write(1, f"saved {n}\n".encode())


def main() -> None:
    path = Path(sys.argv[1])
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            try:
                write_turns(path)
            finally:
                os._exit(1)  # reached only after an error
        os.write(1, f"writer {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    main()
