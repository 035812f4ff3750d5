"""Transfer targets of bots in tests."""

from bots.config.capabilities import TransferTarget

SALES = TransferTarget("Sales", "+14155550199", when_to_use="Orders.", opening_hours="")
