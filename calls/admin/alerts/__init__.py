"""The admin of alerts: rules, channels, and the log of what was sent."""

from calls.admin.alerts.channels import AlertChannelAdmin
from calls.admin.alerts.messages import AlertMessageAdmin
from calls.admin.alerts.rules import AlertRuleAdmin

__all__ = ["AlertChannelAdmin", "AlertMessageAdmin", "AlertRuleAdmin"]
