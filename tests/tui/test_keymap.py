"""The user's keys file: what it may say, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.debugger.tui import keymap
from app.debugger.tui.keys import DEFAULT, KEYS, footer, known, sign


@pytest.mark.parametrize("preset", keymap.PRESETS)
def test_a_preset_has_a_key_for_everything_and_none_twice(preset: str) -> None:
    made = keymap.made({"preset": preset})

    assert made.keys() == DEFAULT.keys()
    assert all(made.values())


def test_names_and_actions_are_unique() -> None:
    assert len({key.name for key in KEYS}) == len({key.action for key in KEYS}) == len(KEYS)


def test_keys_are_read_on_top_of_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('preset = "plain"\n[keys]\nnext-step = ["Space", "alt+?"]\nquit = "ctrl+q"\ncancel = []\n')

    made = keymap.read(path)

    assert (made["next-step"], made["quit"], made["cancel"]) == ("space,alt+question_mark", "ctrl+q", "")
    assert (made["next-record"], made["edit"]) == ("right", "e")
    assert "Space step" not in footer(made, changes=True)
    assert "space step" in footer(made, changes=True)


def test_without_a_file_the_keys_are_the_default(tmp_path: Path) -> None:
    assert keymap.read(tmp_path / "none.toml") == DEFAULT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[keys]\nnext-step = "q"\n', "q would do next-step and quit: give all but one of them another key"),
        ('[keys]\nquit = "n"\nnext-step = "m"\n', "m would do next-step and mark"),
        ('[keys]\nnxt-step = "n"\n', "nothing is called nxt-step: did you mean next-step?"),
        ('[keys]\nquit = "hyper+q"\n', "quit: 'hyper+q' is no key such as"),
        ('[keys]\nquit = "7"\n', "quit: 7 chooses a tab or a position"),
        ("[keys]\nquit = 7\n", "quit is a key or a list of keys"),
        ("keys = 1\n", "[keys] is a table"),
        ('preset = "nano"\n', "there is no preset 'nano': vim, emacs, plain are there"),
        ("colour = 1\n", "there is no setting colour"),
        ("[keys\n", "is no TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)

    with pytest.raises(keymap.BadKeys) as refused:
        keymap.read(path)

    assert said in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(keymap.BadKeys) as refused:
        keymap.made({"preset": "nano", "keys": {"nothing": "n", "quit": "n"}})

    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "key", "shown"),
    [
        ("?", "question_mark", "?"),
        ("+", "plus", "+"),
        ("ctrl++", "ctrl+plus", "ctrl++"),
        ("A", "A", "A"),
        ("Ctrl+X", "ctrl+x", "ctrl+x"),
        ("F5", "f5", "f5"),
        ("shift+Tab", "shift+tab", "shift+tab"),
        ("right", "right", "→"),
        ("nonsense", None, ""),
        ("ctrl+ctrl+x", None, ""),
        (" ", None, ""),
        ("", None, ""),
    ],
)
def test_keys_as_people_write_them(text: str, key: str | None, shown: str) -> None:
    assert known(text) == key
    assert key is None or sign(key) == shown
