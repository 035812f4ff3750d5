"""Takes the pictures of the README: `python -m tests.screenshots [names]`."""

import os
import sys

SETTINGS = "tests.pictures.settings"


def main() -> None:
    """Take all pictures, or those that are named."""
    import tests.settings  # noqa: F401  (an environment deaf to this machine's)

    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    import django

    django.setup()
    from tests.pictures.studio import shoot

    shoot(sys.argv[1:], SETTINGS)


if __name__ == "__main__":
    main()
