"""Pictures, harmless and hostile, decoded in the process that may fail."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dmtui.core.images import Canvas, Drawing
from dmtui.core.model import Pixels
from dmtui.pictures import sandbox


def save(path: Path, size: tuple[int, int], exif: Image.Exif | None = None) -> Path:
    Image.effect_noise(size, 90).convert("RGB").save(path, exif=exif or Image.Exif())
    return path


def png_of(width: int, height: int) -> bytes:
    """A PNG of one colour, small on disk however large it is."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)
    end = chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + end


async def test_picture_is_measured_and_gets_a_thumbnail_of_our_own(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", (1600, 1000))
    found = await sandbox.measured(picture, tmp_path / "thumbnail")
    assert found is not None
    assert (found.width, found.height) == (1600, 1000)
    assert found.thumbnail is not None
    assert found.thumbnail[:2] == (800, 500)
    assert (tmp_path / "thumbnail").stat().st_mode & 0o777 == 0o600
    with Image.open(tmp_path / "thumbnail") as small:
        assert small.size == (800, 500)


async def test_small_picture_needs_no_thumbnail(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.jpg", (40, 30))
    found = await sandbox.measured(picture, tmp_path / "thumbnail")
    assert found == sandbox.Measured(40, 30, None)
    assert not (tmp_path / "thumbnail").exists()


async def test_picture_taken_sideways_is_measured_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = save(tmp_path / "a.jpg", (40, 30), exif=exif)
    found = await sandbox.measured(picture, tmp_path / "thumbnail")
    assert found is not None
    assert (found.width, found.height) == (30, 40)
    upright = await sandbox.pixels(picture, 20, 20)
    assert upright is not None
    assert (upright.width, upright.height) == (15, 20)


async def test_pixels_fit_and_show_what_is_there(tmp_path: Path) -> None:
    Image.new("RGBA", (100, 50), (255, 0, 0, 255)).save(tmp_path / "red.png")
    found = await sandbox.pixels(tmp_path / "red.png", 10, 10)
    assert found == Pixels(10, 5, b"\xff\x00\x00" * 50)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
async def test_large_picture_of_any_kind_is_made_small(tmp_path: Path, mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    Image.new(mode, (900, 700)).save(tmp_path / "a", form)
    found = await sandbox.pixels(tmp_path / "a", 44, 20)
    assert found is not None
    assert (found.width, found.height) == (26, 20)


async def test_strip_of_a_picture_keeps_a_row(tmp_path: Path) -> None:
    Image.new("RGB", (9000, 9), (255, 0, 0)).save(tmp_path / "a.png")
    assert await sandbox.pixels(tmp_path / "a.png", 44, 20) == Pixels(44, 1, b"\xff\x00\x00" * 44)


@pytest.mark.parametrize("drawing", [Drawing.KITTY, Drawing.SIXEL])
async def test_picture_is_drawn_no_larger_than_the_canvas(tmp_path: Path, drawing: Drawing) -> None:
    picture = save(tmp_path / "a.png", (400, 300))
    found = await sandbox.drawn(picture, Canvas(drawing, 100, 90))
    assert found is not None
    assert (found.width, found.height) == (100, 75)
    if drawing is Drawing.KITTY:
        with Image.open(io.BytesIO(found.content)) as drawn:
            assert (drawn.format, drawn.size) == ("PNG", (100, 75))
    else:
        assert found.content.startswith(b'\x1bP0;0;0q"1;1;100;75#')
        assert found.content.endswith(b"\x1b\\")
        assert found.content.count(b"\x1b") == 2


async def test_small_picture_is_drawn_as_small_as_it_is(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", (40, 30))
    found = await sandbox.drawn(picture, Canvas(Drawing.KITTY, 4000, 4000))
    assert found is not None
    assert (found.width, found.height) == (40, 30)


HOSTILE = {
    "empty": b"",
    "text": b"<html>",
    "huge": png_of(10_000, 10_000),
    "header of a giant": png_of(1, 1).replace(
        struct.pack(">II", 1, 1), struct.pack(">II", 2**31 - 1, 2**31 - 1)
    ),
    "vector": b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_picture_costs_nothing_but_the_answer(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(HOSTILE[kind])
    assert await sandbox.pixels(tmp_path / "a.png", 80, 80) is None
    assert await sandbox.measured(tmp_path / "a.png", tmp_path / "thumbnail") is None
    for drawing in (Drawing.KITTY, Drawing.SIXEL):
        assert await sandbox.drawn(tmp_path / "a.png", Canvas(drawing, 80, 80)) is None
    assert await sandbox.face(tmp_path / "a.png", 16) is None
    assert await sandbox.portrait(tmp_path / "a.png", tmp_path / "portrait") is None
    assert not (tmp_path / "portrait").exists()


async def test_face_is_the_middle_of_the_picture(tmp_path: Path) -> None:
    picture = Image.new("RGB", (300, 100), "red")
    picture.paste("blue", (100, 0, 200, 100))
    picture.save(tmp_path / "a.png")
    found = await sandbox.face(tmp_path / "a.png", 4)
    assert found is not None
    assert (found.width, found.height) == (4, 4)
    assert set(found.rgb[0::3]) < set(range(32))
    assert set(found.rgb[2::3]) < set(range(224, 256))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_portrait_shows_what_is_to_be_seen_and_tells_nothing_else(
    tmp_path: Path, kind: str
) -> None:
    secret = "Seaside 12, at home"
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = secret
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    notes = PngInfo()
    notes.add_text("Comment", secret)
    more = {"pnginfo": notes} if kind == "PNG" else {"comment": secret.encode()}
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{secret}</x:xmpmeta>".encode()
    path = tmp_path / "a"
    Image.effect_noise((800, 600), 90).convert("RGB").save(path, kind, exif=exif, xmp=xmp, **more)
    assert secret.encode() in path.read_bytes()
    assert await sandbox.portrait(path, tmp_path / "portrait") == "image/jpeg"
    content = (tmp_path / "portrait").read_bytes()
    assert secret.encode() not in content
    assert b"Exif" not in content
    assert (tmp_path / "portrait").stat().st_mode & 0o777 == 0o600
    with Image.open(tmp_path / "portrait") as shown:
        assert shown.size == (384, 512)  # upright
        assert not shown.getexif()
        assert not {"exif", "xmp", "comment", "icc_profile"} & shown.info.keys()


async def test_portrait_keeps_what_is_transparent(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.info["Comment"] = "secret"
    picture.save(tmp_path / "a.png")
    assert await sandbox.portrait(tmp_path / "a.png", tmp_path / "portrait") == "image/png"
    with Image.open(tmp_path / "portrait") as shown:
        assert shown.mode == "RGBA"
        assert shown.getpixel((5, 5)) == (0, 0, 0, 0)


async def test_truncated_picture_is_not_shown(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", (400, 300))
    picture.write_bytes(picture.read_bytes()[:2000])
    assert await sandbox.pixels(picture, 80, 80) is None


async def test_animation_of_thousands_of_giant_frames_costs_its_first(tmp_path: Path) -> None:
    frames = [Image.new("P", (3000, 3000), n % 250) for n in range(20)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    found = await sandbox.pixels(tmp_path / "a.gif", 10, 10)
    assert found is not None
    assert (found.width, found.height) == (10, 10)


async def test_decoding_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = save(tmp_path / "a.png", (40, 30))
    monkeypatch.setattr(sandbox, "PATIENCE", 0.001)
    assert await sandbox.pixels(picture, 10, 10) is None


async def test_picture_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert await sandbox.pixels(tmp_path / "nothing", 10, 10) is None
