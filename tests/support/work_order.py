"""Deals out test files so that the cores compute until the end of a run.

Tests that start servers wait most of the time, others compute. If all workers took the
first kind first, the cores would idle, and have too much to do afterwards. So four of
five workers begin with the files that wait, and the fifth at the other end of the list,
with those that compute. They meet at the short files in its middle.
"""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

BROWSER, EVERY_PAGE = "tests/browser/", "tests/browser/test_pages.py"
# The longest first.
WAITING = (
    "tests/end_to_end/test_outages.py",
    BROWSER,
    "tests/voicebot/test_serve.py",
    "tests/bench/test_attack.py",
    "tests/end_to_end/test_streaming_verdict.py",
    "tests/end_to_end/test_streamed_clips.py",
    "tests/end_to_end/test_post_call.py",
    "tests/calls/console/test_live.py",
    "tests/voicebot/test_deployed_services.py",
    "tests/end_to_end/",
    "tests/bench/",
    "tests/voicebot/",
    "tests/calls/diagnostics/",
    "tests/calls/console/test_live_",
    "tests/calls/console/test_test_call_",
    "tests/calls/post_call/",
)
# The longest last.
COMPUTING = (
    "tests/bots/advice/",
    "tests/calls/webhooks/",
    "tests/calls/console/",
    "tests/bots/admin/",
    "tests/calls/admin/",
    "tests/calls/review/",
    "tests/calls/accounts/",
    "tests/bots/admin/test_editor.py",
    "tests/bots/admin/test_changelist.py",
    EVERY_PAGE,
)


def place_of(nodeid: str) -> int:
    """The place of a test in the list: lower numbers stand before higher ones."""
    # Of several prefixes the longest counts.
    prefix = max(filter(nodeid.startswith, (*WAITING, *COMPUTING)), key=len, default="")
    if prefix in WAITING:
        return WAITING.index(prefix) - len(WAITING)
    return COMPUTING.index(prefix) + 1 if prefix else 0


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]
    """Four of five workers take files from the front of the list, one from its back."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if int(node.gateway.id.removeprefix("gw")) % 5 == 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        """The unit of work of a test: its file.

        Browser tests are one unit, because each worker that gets some starts a browser
        and a console. The test of every page computes all the time.
        """
        if nodeid.startswith(BROWSER) and not nodeid.startswith(EVERY_PAGE):
            return BROWSER
        return nodeid.partition("::")[0]
