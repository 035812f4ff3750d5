#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voicebot.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit(
            "This Python lacks voicebot's packages. `make run` installs them into "
            f".venv. Then: .venv/bin/python manage.py {' '.join(sys.argv[1:])}".rstrip()
        )
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"voicebot cannot start: {error}")
