"""Themes are data, checked at the door, and can be read by tired eyes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.color import Color, ColorType

from kapture_tui.model.errors import UsageError
from kapture_tui.tui import preferences, themes
from kapture_tui.tui.preferences import Preferences
from kapture_tui.tui.styles import role_styles
from tests.tui import sample
from tests.tui.stage import dashboard

VALID = "description: mine\ndark: true\ncolors:\n" + "".join(
    f'  {name}: "#112233"\n' for name in themes.COLORS
)


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    triplet = Color.parse(color).get_truecolor()
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in triplet]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2.1 defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


HEX = [name for name in themes.names() if not themes.load(name).own]


def test_there_are_at_least_eight_dark_and_light_ones() -> None:
    palettes = [themes.load(name) for name in themes.names()]
    assert len(palettes) >= 8
    assert sum(not palette.dark for palette in palettes) >= 3
    assert {"colour-blind", "high-contrast"} <= set(themes.names())


@pytest.mark.parametrize(
    ("light", "few"), [(light, few) for light in (True, False, None) for few in (True, False)]
)
def test_a_theme_that_fits_is_there_for_every_terminal(light: bool | None, few: bool) -> None:
    palette = themes.load(themes.fitting(light, few))
    assert palette.dark is not (light is True)
    assert palette.own is few


@pytest.mark.parametrize("name", [themes.OWN, themes.OWN_LIGHT])
def test_a_theme_of_the_terminals_own_colours_uses_no_others(name: str) -> None:
    styles = role_styles(themes.load(name))
    colors = [c for style in styles.values() for c in (style.color, style.bgcolor) if c is not None]
    assert {color.type for color in colors} <= {ColorType.STANDARD, ColorType.DEFAULT}
    assert styles["text!"].reverse


@pytest.mark.parametrize("name", HEX)
def test_every_theme_can_be_read(name: str) -> None:
    colors = themes.load(name).colors
    for role in ("text", "dim", "accent", "good", "warn", "trouble"):
        for ground in ("background", "selection"):
            least = 7 if role == "text" else 4.5 if ground == "background" else 3.9
            assert contrast(colors[role], colors[ground]) >= least, f"{role} on {ground}"
    assert (luminance(colors["background"]) < 0.2) == themes.load(name).dark


@pytest.mark.parametrize(
    ("change", "line", "key", "cause"),
    [
        (("dark: true", "dark: maybe"), 2, "dark", "true or false"),
        (("description: mine", "descriptoin: mine"), 1, "descriptoin", "unknown"),
        (('  text: "#112233"', '  txt: "#112233"'), 5, "txt", "unknown"),
        (('  text: "#112233"', "  text: blu"), 5, "text", "no colour"),
        (('  text: "#112233"\n', ""), 3, "colors", "'text' is missing"),
        (("colors:\n", "colors: red\nothers:\n"), 4, "others", "unknown"),
    ],
)
def test_a_wrong_theme_names_file_line_and_key(
    tmp_path: Path, change: tuple[str, str], line: int, key: str, cause: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(VALID.replace(*change), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        themes.read(path)
    assert f"{path}, line {line}, key {key!r}" in str(error.value)
    assert cause in str(error.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(VALID.replace("dark: true\n", ""), encoding="utf-8")
    with pytest.raises(UsageError, match=f"{path}, key 'dark'"):
        themes.read(path)


def test_an_unknown_theme_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="kapture-light"):
        themes.load("nope")


async def test_themes_of_the_user_are_offered_and_kept(own_home: Path) -> None:
    folder = themes.user_dir()
    folder.mkdir(parents=True)
    (folder / "aaa.yaml").write_text(VALID, encoding="utf-8")
    (folder / "broken.yaml").write_text("dark: 3\ndescription: x\ncolors:\n  text: x\n", encoding="utf-8")
    try:
        async with dashboard(sample.snapshot(), size=(120, 40)) as stage:
            await stage.press("t")
            assert "mine" in stage.line("aaa")
            assert "line 1, key 'dark': expected true or false" in stage.line("broken")
            await stage.press("home", "enter")
            assert stage.app.palette.name == "aaa"
            assert preferences.load().theme == "aaa"
    finally:
        for path in (*folder.iterdir(), preferences.default_path()):
            path.unlink(missing_ok=True)
        folder.rmdir()


async def test_a_theme_is_tried_on_and_taken_off_again() -> None:
    async with dashboard(sample.snapshot()) as stage:
        before = stage.app.export_screenshot()
        await stage.press("t", "down")
        assert stage.app.palette.name != themes.DEFAULT
        await stage.press("escape")
        assert stage.app.palette.name == themes.DEFAULT
        assert stage.app.export_screenshot() == before
        assert preferences.load().theme is None


def test_preferences_name_what_they_do_not_know(tmp_path: Path) -> None:
    path = tmp_path / "console.yaml"
    path.write_text("theme: kapture-light\ncolour: 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"{path}, line 2, key 'colour'"):
        preferences.load(path)


def test_without_colour_roles_differ_by_attributes_only() -> None:
    styles = role_styles(themes.load(themes.DEFAULT), monochrome=True)
    assert all(style.color is None and style.bgcolor is None for style in styles.values())
    assert styles["text!"].reverse
    assert styles.keys() == role_styles(themes.load(themes.DEFAULT)).keys()


async def test_no_color_draws_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(sample.troubled(), size=(120, 40)) as stage:
        strips = stage.app.screen._compositor.render_strips()
        colours = {segment.style.color for strip in strips for segment in strip if segment.style}
        colours |= {segment.style.bgcolor for strip in strips for segment in strip if segment.style}
        assert {str(color.name) for color in colours if color is not None} <= {"default"}
        assert "lost 5" in stage.lines()[0]


def test_preferences_are_kept_as_they_were_read(tmp_path: Path) -> None:
    path = tmp_path / "console.yaml"
    for kept in (Preferences(), Preferences("paper", mouse=False), Preferences(None, mouse=True)):
        preferences.keep(kept, path)
        assert preferences.load(path) == kept


async def test_a_theme_that_is_being_written_is_worn_as_it_is(own_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(VALID, encoding="utf-8")
    async with dashboard(sample.snapshot(), size=(200, 60)) as stage:
        stage.app.wear(themes.read(path))
        path.write_text(VALID.replace('text: "#112233"', 'text: "#445566"'), encoding="utf-8")
        os.utime(path, ns=(1, 1))
        await stage.until(lambda: stage.app.palette.colors["text"] == "#445566")
        assert stage.app.role_styles["text"].color == Color.parse("#445566")
        path.write_text("dark: perhaps\n", encoding="utf-8")
        await stage.until(lambda: "key 'description': missing" in stage.lines()[-1])
        assert stage.app.palette.colors["text"] == "#445566"
        path.unlink()
        path.write_text(VALID, encoding="utf-8")
        await stage.until(lambda: stage.app.palette.colors["text"] == "#112233")
