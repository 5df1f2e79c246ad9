"""Names of files, whatever their sender calls them, and attachments in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.attachments import (
    LONGEST_FILE_NAME,
    described,
    file_name,
    length_words,
    numbered,
    shown_name,
    size_words,
)
from dmtui.core.model import Attachment, AttachmentKind, Media, Safe
from dmtui.core.names import LINE_LIMIT, clean_line


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("cat.png", "cat.png"),
        ("Grüße 猫.tar.gz", "Grüße 猫.tar.gz"),
        ("../../.bashrc", "bashrc"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\x1b]0;owned\x07.txt", "a_]0;owned_.txt"),
        ("a\0b", "a_b"),
        ("\u202egnp.exe", "gnp.exe"),
        ("", "file"),
        ("/", "file"),
        ("...", "file"),
        (". . .", "file"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("a:b*c?.txt", "a_b_c_.txt"),
        ("two\nlines.txt", "two_lines.txt"),
        ("ends in dot. ", "ends in dot"),
    ],
)
def test_name_of_a_saved_file_is_one_harmless_part_of_a_path(name: str, saved: str) -> None:
    assert file_name(name) == saved


@given(st.text(max_size=400))
def test_no_name_leaves_its_directory_hides_itself_or_is_too_long(name: str) -> None:
    saved = file_name(name)
    assert saved
    assert saved not in (".", "..")
    assert "/" not in saved
    assert not saved.startswith((".", "-", " "))
    assert len(saved.encode()) <= LONGEST_FILE_NAME
    assert saved.isprintable()


def test_long_name_keeps_its_suffix() -> None:
    saved = file_name("猫" * 5000 + ".jpeg")
    assert saved.endswith("猫.jpeg")
    assert len(saved.encode()) <= LONGEST_FILE_NAME


@pytest.mark.parametrize("suffix", [".jpeg", ".png", ".猫", ".\x1b]0;a"])
def test_long_name_keeps_its_suffix_from_the_network_to_the_disk(suffix: str) -> None:
    shown = shown_name("猫" * 5000 + suffix)
    assert len(shown) <= LINE_LIMIT
    assert shown.endswith(f"猫…{clean_line(suffix)}")
    assert file_name(shown) == file_name("猫" * 5000 + "…" + clean_line(suffix))


@given(st.text(max_size=600))
def test_shown_name_is_one_short_clean_line(name: str) -> None:
    shown = shown_name(name)
    assert shown == clean_line(shown)
    assert len(shown) <= LINE_LIMIT
    if len(name) <= LINE_LIMIT:
        assert shown == clean_line(name)


def test_second_file_of_a_name_gets_a_number_before_its_suffix() -> None:
    assert numbered("cat.png", 0) == "cat.png"
    assert numbered("cat.png", 1) == "cat (1).png"
    assert numbered("README", 2) == "README (2)"


def test_attachment_is_described_by_its_facts() -> None:
    media = Media("mxc://x/y", size=1_234_567, width=800, height=600)
    image = Attachment(AttachmentKind.IMAGE, Safe("cat.png"), media, caption=Safe("look"))
    assert described(image) == "image: cat.png (800\xd7600, 1.2 MB)\nlook"
    voice = Attachment(AttachmentKind.VOICE, Safe("v.ogg"), media, duration=12_345)
    assert described(voice) == "voice message, 0:12"


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, ""), (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (10**7, "10 MB")],
)
def test_size_is_told_in_units_of_a_thousand(size: int | None, words: str) -> None:
    assert size_words(size) == words


def test_length_is_told_in_minutes_and_hours() -> None:
    assert [length_words(ms) for ms in (0, 400, 61_000, 3_723_000)] == [
        "",
        "0:01",
        "1:01",
        "1:02:03",
    ]
