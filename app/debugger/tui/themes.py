"""How the debugger looks: the dashboard's colours, dark and light, or those of the terminal.

What is drawn names the sixteen colours that every terminal has; in the first two themes, they are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.theme import Theme

NAMES = ("dark", "light", "terminal")

_DARK = {
    "bg": "#0f1318",
    "surface": "#171c23",
    "raised": "#1e252e",
    "text": "#e8ebf0",
    "faint": "#8a93a0",
    "border": "#2b323c",
    "accent": "#6cb6ff",
    "selection": "#17324f",
    "ok": "#49b083",
    "run": "#68c1fd",
    "wait": "#8f7bf0",
    "warn": "#feb327",
    "fail": "#f25a43",
    "edit": "#d073a8",
}
_LIGHT = {
    "bg": "#f6f7f9",
    "surface": "#ffffff",
    "raised": "#eef1f5",
    "text": "#171b21",
    "faint": "#6a717c",
    "border": "#d5dae1",
    "accent": "#0b62c4",
    "selection": "#e3effc",
    "ok": "#2a7751",
    "run": "#0f6fc6",
    "wait": "#473891",
    "warn": "#a86000",
    "fail": "#a41324",
    "edit": "#7a0a52",
}
"""As static/src/styles/tokens.css has them: a test compares."""

TOKENS: Mapping[str, Mapping[str, str]] = {"dark": _DARK, "light": _LIGHT}


def theme(name: str) -> Theme:
    """Textual's theme for one of our names."""
    tokens = TOKENS[name]
    return Theme(
        name=f"ironflow-{name}",
        primary=tokens["accent"],
        secondary=tokens["wait"],
        accent=tokens["accent"],
        foreground=tokens["text"],
        background=tokens["bg"],
        surface=tokens["surface"],
        panel=tokens["raised"],
        success=tokens["ok"],
        warning=tokens["warn"],
        error=tokens["fail"],
        dark=name == "dark",
        variables={"line": tokens["border"], "chosen": tokens["selection"]},
    )


def chosen(app: App[object]) -> Style:
    """How a row that one is at looks."""
    background = app.theme_variables["chosen"]
    return Style(bgcolor=background) if background.startswith("#") else Style(reverse=True)


def palette(name: str) -> TerminalTheme:
    """The sixteen colours that texts name."""
    tokens = TOKENS[name]
    eight = ("bg", "fail", "ok", "warn", "run", "edit", "run", "text")  # black, red, green, yellow, blue, magenta …
    colors = [_rgb(tokens[one]) for one in eight]
    return TerminalTheme(_rgb(tokens["bg"]), _rgb(tokens["text"]), colors, [_rgb(tokens["faint"]), *colors[1:]])


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
