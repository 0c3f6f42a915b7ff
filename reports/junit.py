"""A run of checks as JUnit XML, which every build server reads.

A check that differs is a failure, one that is inconclusive is skipped with the reason, one that a source failure
prevented is an error. The form has what the published schemas of Jenkins and of Ant's task ask for, in their order.
Durations are 0: the same run gives the same bytes.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reports.run import clean, message
from verify.model.checks import CheckRow, RunReport, Severity, Status

_ELEMENTS = {Status.DIFFERS: "failure", Status.FAILED: "error", Status.INCONCLUSIVE: "skipped"}


def render(report: RunReport) -> str:
    """One test suite with a test case per check, in the order of the job file."""
    report = clean(report)
    counts = {
        "tests": len(report.checks),
        "failures": sum(_element(row) == "failure" for row in report.checks),
        "errors": sum(_element(row) == "error" for row in report.checks),
    }
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", name=_token(report.file) or "verify", package="verify", id="0")
    suite.attrib |= {name: str(number) for name, number in counts.items()}
    suite.set("skipped", str(sum(_element(row) == "skipped" for row in report.checks)))
    suite.attrib |= {"time": "0", "timestamp": _seconds(report.as_of), "hostname": "localhost"}
    properties = ET.SubElement(suite, "properties")
    for name, value in (("version", report.version), ("as_of", report.as_of), ("simulated", str(report.simulated))):
        ET.SubElement(properties, "property", name=name, value=value)
    for row in report.checks:
        _case(suite, report, row)
    ET.SubElement(suite, "system-out").text = "\n".join(
        f"{row.id}: {row.sentence}" for row in report.checks if row.sentence
    )
    ET.SubElement(suite, "system-err").text = "\n".join((*report.problems, *report.warnings))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, report: RunReport, row: CheckRow) -> None:
    case = ET.SubElement(suite, "testcase", name=_token(row.id), classname=f"verify.{_token(row.name)}", time="0")
    kind = _element(row)
    if not kind:
        return
    told = ET.SubElement(case, kind, message=message(row))
    if kind != "skipped":  # of which the older schema knows no type
        told.set("type", row.reasons[0].code if row.reasons else str(row.status))
    lines = [f"{reason.code}: {reason.text}" for reason in row.reasons]
    lines += [f"perhaps: {text}" for text in row.explanations]
    lines += [row.caveat] if row.caveat else []
    lines += [f"{row.file}:{row.line}" if row.line else report.file]
    told.text = "\n".join(lines)


def _element(row: CheckRow) -> str:
    """What a check that does not pass is; below the severity `error` it is skipped, as it fails no build."""
    kind = _ELEMENTS.get(row.status, "")
    return "skipped" if kind and row.severity is not Severity.ERROR else kind


def _token(text: str) -> str:
    return " ".join(text.split())


def _seconds(moment: str) -> str:
    """`2026-01-19T02:30Z` as the schema wants it: with seconds, without a zone."""
    bare = moment.removesuffix("Z").partition(".")[0]
    return bare if bare.count(":") == 2 else f"{bare}:00"
