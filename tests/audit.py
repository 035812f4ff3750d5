"""`make audit`: fails only on a published vulnerability of a locked package.

pip-audit reports "no known vulnerabilities" also when it could check no package, and
fails when it cannot reach the advisories; this command reports both and passes.
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

NOTHING = "NOT AUDITED: nothing was checked for known vulnerabilities, because "


def evaluate(output: str, errors: str) -> tuple[int, list[str]]:
    """Return the exit code and the lines to print for the output of pip-audit."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        last = (errors.strip().splitlines() or ["no answer"])[-1]
        if UNREACHABLE.search(last):
            return 0, [f"{NOTHING}the advisories cannot be reached ({last[:200]})."]
        return 1, [f"The audit failed: {last}"]
    problems = [line for package in packages for line in _vulnerabilities(package)]
    if problems:
        return 1, problems
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        return 0, [f"{NOTHING}the advisories know none of the packages."]
    summary = f"{len(packages) - len(unknown)} packages, no known vulnerability."
    return 0, [f"{summary} Not audited: {', '.join(unknown)}." if unknown else summary]


def _vulnerabilities(package: dict[str, Any]) -> list[str]:
    name = f"{package['name']} {package.get('version', '')}"
    problems = []
    for vulnerability in package.get("vulns", []):
        versions = ", ".join(vulnerability["fix_versions"]) or "nothing"
        problems.append(f"{name}: {vulnerability['id']}, fixed in {versions}")
    return problems


def main() -> int:
    """Run pip-audit and print the result."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    code, lines = evaluate(done.stdout, done.stderr)
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
