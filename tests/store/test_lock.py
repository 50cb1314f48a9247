"""Who may work when: a made-up clock alone, workers beside each other, and the dead are known to be dead."""

import os
import signal
import subprocess
import sys

import pytest

from funnel.errors import Refused
from funnel.lock import only_one, worker

HOLDER = """
import sys
from pathlib import Path
from funnel.lock import worker
with worker(Path(sys.argv[1])) as is_alone:
    print(is_alone, flush=True)
    sys.stdin.read()
"""


def test_a_second_worker_knows_that_it_is_not_alone(tmp_path):
    with worker(tmp_path) as first, worker(tmp_path) as second:
        assert first
        assert not second


def test_a_made_up_clock_works_alone_or_not_at_all(tmp_path):
    with only_one(tmp_path), pytest.raises(Refused, match="another funnel"), worker(tmp_path):
        pass
    with worker(tmp_path), pytest.raises(Refused, match="another funnel"), only_one(tmp_path):
        pass


def test_after_a_worker_was_killed_the_next_one_is_alone(tmp_path):
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with held:
        assert held.stdout.readline() == "True\n"
        with worker(tmp_path) as beside:
            assert not beside
        os.kill(held.pid, signal.SIGKILL)
        held.wait()
    with worker(tmp_path) as after:
        assert after
