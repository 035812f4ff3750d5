"""Settings of a process that is only the sandbox.

Without models and pages it starts in less than half of the time.
"""

from voicebot.settings import *  # noqa: F403

INSTALLED_APPS = ["bots.sandbox"]
