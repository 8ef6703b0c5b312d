"""The site's own checks can fail, and its lessons and packages are what they are said to be."""

import re

import pytest

from docs import links, live, vendor

PAGE = '<html><body><h1 id="top">x</h1><a href="{}">go</a></body></html>'


@pytest.mark.parametrize(
    "link", ["other.html", "other.html#place", "#top", "", "https://example.org", "mailto:a@example.org"]
)
def test_a_link_that_leads_somewhere_is_none(tmp_path, link):
    (tmp_path / "index.html").write_text(PAGE.format(link))
    (tmp_path / "other.html").write_text('<p id="place">')
    assert list(links.faults(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PAGE.format("gone.html"), "leads to gone.html, which is not there"),
        (PAGE.format("index.html#gone"), "there is no such place"),
        ('<script src="https://example.org/x.js"></script>', "from another host"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "from another host"),
        ('<img src="gone.png">', "leads to gone.png"),
    ],
)
def test_a_fault_of_the_site_is_said(tmp_path, text, words):
    (tmp_path / "index.html").write_text(text)
    (fault,) = links.faults(tmp_path)
    assert fault.startswith("index.html ")
    assert words in fault


def test_every_package_has_its_version_and_checksum():
    for package in vendor.PACKAGES:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package.version)
        assert re.fullmatch("[0-9a-f]{64}", package.sha256)


def test_a_lesson_has_a_title_of_its_own():
    lessons = live.lessons(live.HERE)
    assert len({lesson["title"] for lesson in lessons}) == len(lessons)
    assert all(lesson["text"].startswith(f"# {lesson['title']}\n") for lesson in lessons)
