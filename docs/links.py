"""Every link of the built site that stays in it leads somewhere, and no page loads anything from another host."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "srcset"}
ELSEWHERE = {"canonical", "search", "next", "prev", "index"}  # relations of a <link> that load nothing


class Links(HTMLParser):
    """What a page leads to and loads, and the places in it that can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.led_to: list[str] = []
        self.loaded: list[str] = []
        self.places = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.led_to.append(given["href"])
        if tag in LOADED and LOADED[tag] in given and given.get("rel") not in ELSEWHERE:
            self.loaded.append(given[LOADED[tag]])


def faults(site: Path) -> Iterator[str]:
    """What is wrong, a line each."""
    pages = {page: Links(page.read_text(encoding="utf-8")) for page in sorted(site.rglob("*.html"))}
    for page, links in pages.items():
        name = page.relative_to(site)
        for link in [*links.loaded, *links.led_to]:
            url = urlsplit(link)
            if url.scheme == "data" or (url.scheme and link in links.led_to and link not in links.loaded):
                continue
            if url.netloc or url.scheme:
                yield f"{name} loads {link} from another host"
                continue
            target = (page.parent / unquote(url.path)).resolve() if url.path else page
            if not target.is_file():
                yield f"{name} leads to {link}, which is not there"
            elif target in pages and unquote(url.fragment) not in pages[target].places:
                yield f"{name} leads to {link}, and there is no such place"
