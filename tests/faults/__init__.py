"""Parts of a deployment that fail during calls, and what the calls make of it."""
