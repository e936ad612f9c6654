"""``Result`` → JUnit's XML: a suite for each file, a failed case for each finding."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from xml.etree import ElementTree as ET

from evalguard.finding import FileError, Finding, Result
from evalguard.report.words import error_line, position, visible


def render(result: Result) -> str:
    """Write one document; a run without findings is a suite that passed."""
    root = ET.Element("testsuites", name="evalguard")
    for path, findings in groupby(result.findings, key=lambda finding: finding.place.path):
        _suite(root, path, [_case(finding) for finding in findings])
    for error in result.errors:
        _suite(root, error.path, [_broken(error)])
    if not len(root):
        _suite(root, "evalguard", [ET.Element("testcase", name="evalguard", classname="evalguard")])
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, 0)) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, path: str, cases: Iterable[ET.Element]) -> None:
    suite = ET.SubElement(root, "testsuite", name=visible(path))
    suite.extend(cases)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))


def _case(finding: Finding) -> ET.Element:
    line, column = finding.place.shown.start
    cell = f"cell {finding.cell}:" if finding.cell else ""
    name = f"{finding.code} {finding.rule} at {cell}{line}:{column}"
    case = ET.Element("testcase", name=name, classname=visible(finding.place.path))
    case.set("file", visible(finding.place.path))
    case.set("line", str(finding.place.file_line))
    failure = ET.SubElement(case, "failure", message=visible(finding.message))
    failure.set("type", finding.severity.word)
    failure.text = "\n".join(map(visible, _story(finding)))
    return case


def _story(finding: Finding) -> Iterable[str]:
    yield f"{position(finding.place)}: {finding.message} ({finding.confidence.word})"
    yield from (f"{position(item.place)}: {item.message}" for item in finding.evidence)
    if finding.help:
        yield f"help: {' '.join(finding.help.split())}"


def _broken(error: FileError) -> ET.Element:
    case = ET.Element("testcase", name="could not be checked", classname=visible(error.path))
    told = ET.SubElement(case, "error", message=visible(error.reason), type="error")
    told.text = error_line(error)
    return case
