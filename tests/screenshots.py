"""Takes the screenshots of the README: `python -m tests.screenshots [names]`."""

import os
import sys

SETTINGS = "tests.pictures.settings"


def main() -> None:
    """Take all screenshots, or the named ones."""
    import tests.settings  # noqa: F401  (sets an environment independent of this machine's)

    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    import django

    django.setup()
    from tests.pictures.session import shoot

    shoot(sys.argv[1:], SETTINGS)


if __name__ == "__main__":
    main()
