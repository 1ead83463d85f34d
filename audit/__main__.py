"""Audits the locks: licences, bills of materials, known vulnerabilities.

    python -m audit OUT LOCK... [--offline]

Writes licences.md and licences.csv, for each lock sbom-<name>.cdx.json (CycloneDX, with hashes and licences), and
vulnerabilities.json. It fails if a licence is not accepted by `audit.licences`, if a package has a known vulnerability,
or if PyPI's service does not answer for every package. `make audit` runs it in an environment with pip-audit and
cyclonedx-bom.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from audit.licences import UNKNOWN, find_licence, is_accepted

BIN = Path(sys.executable).parent


def main() -> int:
    """Run the audit, print its errors, and return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("locks", type=Path, nargs="+", help="requirements files with hashes")
    parser.add_argument("--offline", action="store_true", help="do not ask for vulnerabilities")
    arguments = parser.parse_args()
    out, locks = arguments.out, {lock.stem: lock for lock in arguments.locks}
    out.mkdir(parents=True, exist_ok=True)

    licences = {name: _find_licences(lock) for name, lock in locks.items()}
    errors = _write_licences(out, licences)
    for name, lock in locks.items():
        _write_sbom(out / f"sbom-{name}.cdx.json", lock, licences[name])
    print(f"{len(locks)} bills of materials, and the licences of all packages, in {out}")
    (out / "vulnerabilities.json").unlink(missing_ok=True)
    if arguments.offline:
        print("vulnerabilities were not asked for: nothing is known of them")
    else:
        errors += _find_vulnerabilities(out / "vulnerabilities.json", locks)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return bool(errors)


def _find_licences(lock: Path) -> dict[str, tuple[str, str]]:
    """The version and the licence of each package of a lock that this platform installs, from the package's metadata.

    pip downloads the files that the lock names, and installs none.

    Raises:
        SystemExit: pip cannot download them; it has printed why.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        install = ["install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes"]
        files = ["--report", str(report), "--requirement", str(lock)]
        if subprocess.run([sys.executable, "-m", "pip", *install, *files], check=False).returncode:
            raise SystemExit(f"error: pip must reach every file of {lock}, found what it says above: mend that")
        content = json.loads(report.read_text(encoding="utf-8"))
    packages = [package["metadata"] for package in content["install"]]
    return {_normalize(package["name"]): (package["version"], find_licence(package)) for package in packages}


def _write_licences(out: Path, licences: dict[str, dict[str, tuple[str, str]]]) -> list[str]:
    """Write licences.csv and licences.md, and return an error for each package whose licence is not accepted."""
    locks_of: dict[tuple[str, str, str], list[str]] = {}
    for lock, packages in licences.items():
        for package, (version, licence) in packages.items():
            locks_of.setdefault((package, version, licence), []).append(lock)
    columns = ("package", "version", "licence", "locks")
    rows = [(*package, " ".join(locks)) for package, locks in sorted(locks_of.items())]
    with (out / "licences.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows((columns, *rows))
    lines = ("| " + " | ".join(row) + " |" for row in (columns, ("---",) * len(columns), *rows))
    (out / "licences.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        f"{package} {version} in {lock} must come under a licence that audit/licences.py takes, found {licence!r}: "
        "replace it, or add the licence or an exemption there"
        for (package, version, licence), locks in sorted(locks_of.items())
        for lock in locks
        if not is_accepted(package, licence, lock)
    ]


def _write_sbom(path: Path, lock: Path, licences: dict[str, tuple[str, str]]) -> None:
    """Write a lock's bill of materials: cyclonedx-py's, with the licences added.

    Raises:
        ValueError: it does not match CycloneDX's schema.
    """
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.license import LicenseExpression
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    process = subprocess.run(
        [
            BIN / "cyclonedx-py", "requirements", "--pyproject", "pyproject.toml", "--output-reproducible",
            "--spec-version", "1.6", "--output-format", "JSON", str(lock),
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    bill = json.loads(process.stdout)
    for component in bill["components"]:
        component.pop("description", None)  # it repeats the lock's lines
        _, licence = licences.get(_normalize(component["name"]), ("", UNKNOWN))
        if licence != UNKNOWN:
            known = LicenseFactory().make_from_string(licence)
            if isinstance(known, LicenseExpression):
                component["licenses"] = [{"expression": known.value}]
            else:
                component["licenses"] = [{"license": {"id": known.id} if known.id else {"name": licence}}]
    text = json.dumps(bill, indent=2, ensure_ascii=False) + "\n"
    if invalid := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"{path} must be valid CycloneDX 1.6, found {invalid}")
    path.write_text(text, encoding="utf-8")


def _find_vulnerabilities(path: Path, locks: dict[str, Path]) -> list[str]:
    """Write pip-audit's answers for the locks, and return an error for each vulnerability and each missing answer."""
    answers: dict[str, list[dict[str, Any]]] = {}
    for name, lock in locks.items():
        command = [str(BIN / "pip-audit"), "--progress-spinner", "off", "--format", "json", "--disable-pip"]
        process = subprocess.run([*command, "--requirement", str(lock)], check=False, capture_output=True, text=True)
        try:
            answers[name] = json.loads(process.stdout)["dependencies"]
        except ValueError:
            last_line = (process.stderr.strip().splitlines() or ["nothing"])[-1]
            return [f"pip-audit must answer for {lock}, found: {last_line}: {_REMEDY}"]
        if any("skip_reason" in package for package in answers[name]):
            break  # the service would not answer for the other locks either
    path.write_text(json.dumps(answers, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    errors = judge(answers)
    if not errors:
        print("no vulnerability is known of any package")
    return errors


def judge(answers: dict[str, list[dict[str, Any]]]) -> list[str]:
    """An error for each vulnerability in pip-audit's answers, and for each lock with packages that have no answer.

    pip-audit itself reports "no known vulnerabilities" for packages that its service does not know.
    """
    errors = []
    for lock, answer in answers.items():
        if skipped := [package["name"] for package in answer if "skip_reason" in package]:
            errors.append(
                f"the service must answer for every package of {lock}, found no answer for {len(skipped)} of "
                f"{len(answer)}, such as {skipped[0]}: {_REMEDY}"
            )
    known = {
        (package["name"], package["version"], flaw["id"], " or ".join(flaw["fix_versions"]) or "no version")
        for answer in answers.values()
        for package in answer
        for flaw in package.get("vulns", ())
    }
    return errors + [
        f"{name} {version} must have no known vulnerability, found {flaw}, mended in {mended}: `make lock` with that"
        for name, version, flaw, mended in sorted(known)
    ]


_REMEDY = "let it be reached (PyPI's JSON API), or ask nobody with OFFLINE=1"


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
