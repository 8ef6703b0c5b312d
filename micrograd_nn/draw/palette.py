"""The colours of all pictures, in light and in dark.

A positive and a negative gradient differ in colour as red-green blind readers see it (Okabe and Ito, Color Universal
Design, 2008: blue and vermilion), and again in the line, solid or dashed, which a grey printer keeps.
"""

COLOURS = {  # in a light page, and in a dark one
    "paper": ("#ffffff", "#12161f"),
    "ink": ("#1d2433", "#e8ecf3"),
    "muted": ("#5c6675", "#a2acbb"),
    "line": ("#97a1b0", "#6f7b8d"),
    "leaf": ("#f5f1e8", "#2a2822"),
    "value": ("#fdfdfe", "#1b212c"),
    "operation": ("#e9edf4", "#2b3342"),
    "module": ("#f7f9fc", "#171c26"),
    "frame": ("#cbd3df", "#3a4455"),
    "positive": ("#0a67a8", "#6cbcf7"),
    "negative": ("#bb4a07", "#f8a063"),
    "highlight": ("#fbe48a", "#57480d"),
}
LIGHT, DARK = ({name: both[i] for name, both in COLOURS.items()} for i in (0, 1))

# Inside a page a picture is no wider than its column. dot writes the light colours into the picture; where a page is
# dark, each of them is answered by its dark one.
ANSWERED = [(part, *both) for both in COLOURS.values() for part in ("fill", "stroke")]
DARKENED = "".join(f'.micrograd-nn [{part}="{light}"]{{{part}:{dark}}}' for part, light, dark in ANSWERED)
STYLE = ".micrograd-nn:not(:root){max-width:100%;height:auto}"
STYLE += f"@media (prefers-color-scheme: dark) {{{DARKENED}}}"
