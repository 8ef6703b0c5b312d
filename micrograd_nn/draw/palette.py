"""The colours of all pictures, in light and in dark.

Promise: a positive and a negative gradient differ in colour as red-green blind readers see it (Okabe and Ito, Color
Universal Design, 2008: blue and vermilion), and again in the line, solid or dashed, which a grey printer keeps.
"""

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1d2433",
    "muted": "#5c6675",
    "line": "#97a1b0",
    "leaf": "#f5f1e8",
    "value": "#fdfdfe",
    "operation": "#e9edf4",
    "module": "#f7f9fc",
    "frame": "#cbd3df",
    "positive": "#0a67a8",
    "negative": "#bb4a07",
    "highlight": "#fbe48a",
}
DARK = {
    "paper": "#12161f",
    "ink": "#e8ecf3",
    "muted": "#a2acbb",
    "line": "#6f7b8d",
    "leaf": "#2a2822",
    "value": "#1b212c",
    "operation": "#2b3342",
    "module": "#171c26",
    "frame": "#3a4455",
    "positive": "#6cbcf7",
    "negative": "#f8a063",
    "highlight": "#57480d",
}

# Inside a page a picture is no wider than its column. dot writes the light colours into the picture; where a page is
# dark, each of them is answered by its dark one.
STYLE = ".micrograd-nn:not(:root){{max-width:100%;height:auto}}@media (prefers-color-scheme: dark) {{{}}}".format(
    "".join(
        f'.micrograd-nn [fill="{LIGHT[name]}"]{{fill:{DARK[name]}}}'
        f'.micrograd-nn [stroke="{LIGHT[name]}"]{{stroke:{DARK[name]}}}'
        for name in LIGHT
    )
)
