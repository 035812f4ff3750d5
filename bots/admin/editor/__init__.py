"""The page on which a bot is edited: tabs, lists, fields, and what its scripts ask."""
