"""Every reason has words for people."""

from funnel.model import Reason
from funnel.timeline import REASONS


def test_every_reason_of_the_closed_list_has_words():
    assert set(REASONS) == set(Reason)
