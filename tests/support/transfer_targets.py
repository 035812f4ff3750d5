"""People that bots in tests put callers through to."""

from bots.config.capabilities import Target

SALES = Target("Sales", "+14155550199", when="Orders.", hours="")
