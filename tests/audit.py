"""`make audit`: fails on a known vulnerability in what is locked, and on nothing else.

pip-audit reports "no known vulnerabilities" also where it could look nothing up, and
fails where the advisories cannot be reached; here both are said, and pass.
"""

import json
import re
import subprocess
import sys
from typing import Any

FILES = ("requirements.txt", "tests/requirements.txt")
COMMAND = [
    *(sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner"),
    *("off", "--require-hashes", "--disable-pip", "--timeout", "10"),
    *(part for file in FILES for part in ("--requirement", file)),
]
UNREACHABLE = re.compile(r"connect|resolve|timed? ?out|max retries|50[234]", re.I)


def verdict(output: str, errors: str) -> tuple[int, list[str]]:
    """The exit code and the words for what pip-audit wrote."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        last = (errors.strip().splitlines() or ["no answer"])[-1]
        if UNREACHABLE.search(last):
            return 0, [f"NOT AUDITED: the advisories cannot be reached ({last})."]
        return 1, [f"The audit failed: {last}"]
    found = [line for package in packages for line in _vulnerabilities(package)]
    if found:
        return 1, found
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        return 0, ["NOT AUDITED: the advisories know none of the packages."]
    known = f"{len(packages) - len(unknown)} packages, no known vulnerability."
    return 0, [known, *([f"Not audited: {', '.join(unknown)}"] if unknown else [])]


def _vulnerabilities(package: dict[str, Any]) -> list[str]:
    name = f"{package['name']} {package.get('version', '')}"
    return [
        f"{name}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'nothing'}"
        for each in package.get("vulns", [])
    ]


def main() -> int:
    """Run pip-audit, and say what it found."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    code, lines = verdict(done.stdout, done.stderr)
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
