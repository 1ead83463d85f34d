"""Audits the locks: licences, bills of materials, known vulnerabilities.

    python -m audit OUT LOCK... [--offline]

Writes licences.md and licences.csv, for each lock sbom-<name>.cdx.json (CycloneDX, with hashes and licences), and
vulnerabilities.json. It fails where a licence is not one of `audit.licences`, where a vulnerability is known, and where
the service that knows them, PyPI's, does not answer for every package: then nothing is known, which is not well.
`make audit` calls it, in an environment that holds pip-audit and cyclonedx-bom.
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

from audit.licences import UNKNOWN, is_accepted, licence_of

BIN = Path(sys.executable).parent


def main() -> int:
    """Audit; 1 where something was found, or could not be asked."""
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("locks", type=Path, nargs="+", help="requirements files with hashes")
    parser.add_argument("--offline", action="store_true", help="do not ask for vulnerabilities")
    chosen = parser.parse_args()
    out, locks = chosen.out, {lock.stem: lock for lock in chosen.locks}
    out.mkdir(parents=True, exist_ok=True)

    licences = {name: _licences(lock) for name, lock in locks.items()}
    errors = _write_licences(out, licences)
    for name, lock in locks.items():
        _write_sbom(out / f"sbom-{name}.cdx.json", lock, licences[name])
    print(f"{len(locks)} bills of materials, and the licences of all packages, in {out}")
    (out / "vulnerabilities.json").unlink(missing_ok=True)
    if chosen.offline:
        print("vulnerabilities were not asked for: nothing is known of them")
    else:
        errors += _vulnerabilities(out / "vulnerabilities.json", locks)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return bool(errors)


def _licences(lock: Path) -> dict[str, tuple[str, str]]:
    """Each package of a lock that this platform installs, with version and licence, as its own metadata has them.

    pip fetches the very files that the lock names, and installs none.

    Raises:
        SystemExit: it cannot, and has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        install = ["install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes"]
        where = ["--report", str(report), "--requirement", str(lock)]
        if subprocess.run([sys.executable, "-m", "pip", *install, *where], check=False).returncode:
            raise SystemExit(f"error: pip must reach every file of {lock}, found what it says above: mend that")
        found = [each["metadata"] for each in json.loads(report.read_text(encoding="utf-8"))["install"]]
    return {_canonical(each["name"]): (each["version"], licence_of(each)) for each in found}


def _write_licences(out: Path, licences: dict[str, dict[str, tuple[str, str]]]) -> list[str]:
    """Write the tables; an error for each package that comes under a licence that is not taken."""
    held: dict[tuple[str, str, str], list[str]] = {}
    for lock, packages in licences.items():
        for package, (version, licence) in packages.items():
            held.setdefault((package, version, licence), []).append(lock)
    columns = ("package", "version", "licence", "locks")
    rows = [(*what, " ".join(locks)) for what, locks in sorted(held.items())]
    with (out / "licences.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows((columns, *rows))
    lines = ("| " + " | ".join(row) + " |" for row in (columns, ("---",) * len(columns), *rows))
    (out / "licences.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        f"{package} {version} in {lock} must come under a licence that audit/licences.py takes, found {licence!r}: "
        "replace it, or add the licence or an exemption there"
        for (package, version, licence), locks in sorted(held.items())
        for lock in locks
        if not is_accepted(package, licence, lock)
    ]


def _write_sbom(path: Path, lock: Path, licences: dict[str, tuple[str, str]]) -> None:
    """Write a lock's bill of materials: what cyclonedx-py reads out of it, and the licences; valid by its schema.

    Raises:
        ValueError: it is not valid.
    """
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.license import LicenseExpression
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    made = subprocess.run(
        [
            BIN / "cyclonedx-py", "requirements", "--pyproject", "pyproject.toml", "--output-reproducible",
            "--spec-version", "1.6", "--output-format", "JSON", str(lock),
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    bill = json.loads(made.stdout)
    for component in bill["components"]:
        component.pop("description", None)  # the lines of the lock once more
        _, licence = licences.get(_canonical(component["name"]), ("", UNKNOWN))
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


def _vulnerabilities(path: Path, locks: dict[str, Path]) -> list[str]:
    """Ask for the vulnerabilities of each lock and write the answers; the errors that they are, or are wanting."""
    answers: dict[str, list[dict[str, Any]]] = {}
    for name, lock in locks.items():
        asking = [str(BIN / "pip-audit"), "--progress-spinner", "off", "--format", "json", "--disable-pip"]
        asked = subprocess.run([*asking, "--requirement", str(lock)], check=False, capture_output=True, text=True)
        try:
            answers[name] = json.loads(asked.stdout)["dependencies"]
        except ValueError:
            said = (asked.stderr.strip().splitlines() or ["nothing"])[-1]
            return [f"pip-audit must answer for {lock}, found: {said}: {_OTHERWISE}"]
        if any("skip_reason" in each for each in answers[name]):
            break  # it would not answer for the others either
    path.write_text(json.dumps(answers, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    found = judge(answers)
    if not found:
        print("no vulnerability is known of any package")
    return found


def judge(answers: dict[str, list[dict[str, Any]]]) -> list[str]:
    """An error for each vulnerability in pip-audit's answers, and for each lock that it leaves packages of out.

    pip-audit itself says "no known vulnerabilities" of a package that its service does not know.
    """
    errors = []
    for lock, answer in answers.items():
        if silent := [each["name"] for each in answer if "skip_reason" in each]:
            errors.append(
                f"the service must answer for every package of {lock}, found no answer for {len(silent)} of "
                f"{len(answer)}, such as {silent[0]}: {_OTHERWISE}"
            )
    known = {
        (each["name"], each["version"], flaw["id"], " or ".join(flaw["fix_versions"]) or "no version")
        for answer in answers.values()
        for each in answer
        for flaw in each.get("vulns", ())
    }
    return errors + [
        f"{name} {version} must have no known vulnerability, found {flaw}, mended in {mended}: `make lock` with that"
        for name, version, flaw, mended in sorted(known)
    ]


_OTHERWISE = "let it be reached (PyPI's JSON API), or ask nobody with OFFLINE=1"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
