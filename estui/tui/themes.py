"""Colours: calm ones for dark and light terminals; blue and orange carry what red and green say elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="estui-dark",
    primary="#7aa2c8",
    secondary="#9db4d0",
    accent="#7fc4e8",
    success="#8fc99a",
    warning="#e6b566",
    error="#ec8b7a",
    foreground="#d5dbe3",
    background="#12161c",
    surface="#171c24",
    panel="#1f2630",
    dark=True,
    variables={
        "border": "#3a4553",
        "text-muted": "#8793a3",
        "text-disabled": "#5b6675",
        "add-background": "#2a4433",
        "remove-background": "#54302c",
        "cursor-background": "#24384a",
    },
)
LIGHT = Theme(
    name="estui-light",
    primary="#2d5f8a",
    secondary="#3d5575",
    accent="#0b6a9c",
    success="#2c6e3a",
    warning="#8a5a00",
    error="#b03a28",
    foreground="#1f262e",
    background="#fbfbf9",
    surface="#f3f4f2",
    panel="#e6e9ea",
    dark=False,
    variables={
        "border": "#aab4bd",
        "text-muted": "#5a6672",
        "text-disabled": "#8d97a1",
        "add-background": "#cfe6d3",
        "remove-background": "#f3d3cd",
        "cursor-background": "#d5e6f0",
    },
)
HIGH_CONTRAST = Theme(
    name="estui-high-contrast",
    primary="#6cc5ff",
    secondary="#ffffff",
    accent="#ffe14d",
    success="#5dff7f",
    warning="#ffb84d",
    error="#ff8080",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={
        "border": "#ffffff",
        "text-muted": "#d9d9d9",
        "text-disabled": "#b3b3b3",
        "add-background": "#004d14",
        "remove-background": "#660000",
        "cursor-background": "#003a66",
    },
)
OWN = (DARK, LIGHT, HIGH_CONTRAST)
"""The themes that are estui's own; Textual's come beside them."""


def theme_for(environment: Mapping[str, str]) -> str:
    """The theme for a terminal: its own 16 colours where it has no more."""
    many = "256color" in environment.get("TERM", "") or environment.get("COLORTERM", "") in ("truecolor", "24bit")
    known = environment.get("TERM", "") in ("xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty")
    return DARK.name if many or known else "ansi-dark"
