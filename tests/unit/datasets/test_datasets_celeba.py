"""CelebA from small lists and images in the official format."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pooch
import pytest
from PIL import Image

from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.errors import ConfigurationError, InputError

ATTRIBUTES = ["5_o_Clock_Shadow", "Black_Hair", "Smiling"]
PARTS = [0, 0, 0, 1, 2, 2]
BLACK_HAIR = [1, -1, 1, 1, -1, 1]
SMILING = [-1, -1, 1, 1, 1, -1]
#: JPEG and rounding may shift a pixel by one grey level; a crop that keeps a white row would shift it by dozens.
GREY_LEVEL = 1.01
GREYS = [0, 50, 100, 150, 200, 250]


def jpeg(pixels: np.ndarray, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    return stream.getvalue()


def face(grey: int) -> bytes:
    """178×218 in one grey; the rows that the crop removes are white."""
    pixels = np.full((218, 178, 3), grey, dtype=np.uint8)
    pixels[:20] = pixels[198:] = 255
    return jpeg(pixels)


def names() -> list[str]:
    return [f"{number:06d}.jpg" for number in range(1, len(PARTS) + 1)]


def attribute_list() -> str:
    rows = [f"{name} -1 {black:2d} {smile:2d}" for name, black, smile in zip(names(), BLACK_HAIR, SMILING, strict=True)]
    return "\n".join([str(len(rows)), " ".join(ATTRIBUTES) + " ", *rows]) + "\n"


def write_celeba(root: Path, *, zipped: bool = True, images: dict[str, bytes] | None = None) -> Path:
    folder = root / "celeba"
    folder.mkdir()
    (folder / "list_attr_celeba.txt").write_text(attribute_list())
    (folder / "list_eval_partition.txt").write_text(
        "".join(f"{name} {part}\n" for name, part in zip(names(), PARTS, strict=True))
    )
    images = {name: face(grey) for name, grey in zip(names(), GREYS, strict=True)} | (images or {})
    if zipped:
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            for name, content in images.items():
                archive.writestr(f"img_align_celeba/{name}", content)
    else:
        (folder / "img_align_celeba").mkdir()
        for name, content in images.items():
            (folder / "img_align_celeba" / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "folder"])
def test_reads_labels_parts_and_cropped_images(tmp_path, zipped):
    write_celeba(tmp_path, zipped=zipped)
    split = load_dataset("celeba", data_dir=tmp_path)
    assert split.train.class_names == ("not Black_Hair", "Black_Hair")
    np.testing.assert_array_equal(split.train.labels, [1, 0, 1])
    np.testing.assert_array_equal(split.test.labels, [0, 1])
    assert split.train.image_shape == (3, 32, 32)
    np.testing.assert_allclose(split.train.images[1:2], np.full((1, 3, 32, 32), 50 / 255), atol=GREY_LEVEL / 255)
    np.testing.assert_allclose(split.test.images[:, 0, 16, 16], [200 / 255, 250 / 255], atol=GREY_LEVEL / 255)


def test_a_pixel_is_the_mean_of_the_pixels_centred_in_its_area(tmp_path):
    pixels = np.random.default_rng(4).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    content = jpeg(pixels)
    write_celeba(tmp_path, images={"000001.jpg": content})
    square = np.asarray(Image.open(io.BytesIO(content)), dtype=np.float64)[20:198]
    # Two centres lie on the border of two areas; they belong to the one above and to the left.
    area = np.ceil((np.arange(178) + 0.5) * 32 / 178).astype(int) - 1
    mean = (area == np.arange(32)[:, None]) / np.bincount(area)[:, None]
    expected = np.einsum("ir,jc,rck->kij", mean, mean, square)
    image = load_dataset("celeba", data_dir=tmp_path, limit=1).train.images[0]
    # Pillow rounds to whole grey levels after the rows and again after the columns.
    assert abs(image * 255 - expected).max() <= GREY_LEVEL


def test_another_attribute_and_a_limit(tmp_path):
    write_celeba(tmp_path)
    split = load_dataset("celeba", data_dir=tmp_path, attribute="Smiling", limit=2)
    assert split.test.class_names == ("not Smiling", "Smiling")
    np.testing.assert_array_equal(split.train.labels, [0, 0])
    np.testing.assert_array_equal(split.test.labels, [1, 0])


def test_images_that_are_not_asked_for_are_not_decoded(tmp_path):
    write_celeba(tmp_path, images={"000003.jpg": b"damaged"})
    assert len(load_dataset("celeba", data_dir=tmp_path, limit=2).train) == 2
    with pytest.raises(InputError, match=r"000003\.jpg"):
        load_dataset("celeba", data_dir=tmp_path)


def test_an_unknown_attribute_gives_the_nearest(tmp_path):
    write_celeba(tmp_path)
    with pytest.raises(ConfigurationError, match="Perhaps Smiling is meant"):
        load_dataset("celeba", data_dir=tmp_path, attribute="Smilling")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        face(0)[:1000],
        jpeg(np.zeros((218, 178, 3), dtype=np.uint8), "PNG"),
        jpeg(np.zeros((178, 218, 3), dtype=np.uint8)),
    ],
    ids=["empty", "truncated", "png", "wrong size"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "folder"])
def test_a_bad_image_is_named(tmp_path, content, zipped):
    write_celeba(tmp_path, zipped=zipped, images={"000002.jpg": content})
    with pytest.raises(InputError, match=r"000002\.jpg"):
        load_dataset("celeba", data_dir=tmp_path)


def test_a_missing_image_is_named(tmp_path):
    folder = write_celeba(tmp_path, zipped=False)
    (folder / "img_align_celeba" / "000005.jpg").unlink()
    with pytest.raises(InputError, match=r"000005\.jpg"):
        load_dataset("celeba", data_dir=tmp_path)


def test_an_archive_that_lacks_an_image_or_is_truncated_is_refused(tmp_path):
    archive = write_celeba(tmp_path) / "img_align_celeba.zip"
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"img_align_celeba\.zip"):
        load_dataset("celeba", data_dir=tmp_path)
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("img_align_celeba/000001.jpg", face(0))
    with pytest.raises(InputError, match=r"000002\.jpg"):
        load_dataset("celeba", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("list_attr_celeba.txt", "6\n5_o", "7\n5_o", "7 images"),
        ("list_attr_celeba.txt", "6\n5_o", "five\n5_o", "number of images"),
        ("list_attr_celeba.txt", "000002.jpg -1 -1", "000002.jpg -1  2", "line 4"),
        ("list_attr_celeba.txt", "000002.jpg -1 -1", "000002.jpg -1", "line 4"),
        ("list_attr_celeba.txt", "000002.jpg", "000001.jpg", "6 images"),
        ("list_attr_celeba.txt", "000002.jpg", "../../etc/passwd", "image name"),
        ("list_eval_partition.txt", "000002.jpg 0", "000002.jpg 3", "0, 1 or 2"),
        ("list_eval_partition.txt", "000002.jpg 0", "/000002.jpg 0", "image name"),
        ("list_eval_partition.txt", "000002.jpg 0", "000001.jpg 0", "second time"),
        ("list_eval_partition.txt", "000006.jpg 2\n", "", "only one of the two lists"),
        ("list_eval_partition.txt", "000002.jpg", "00000é.jpg", "readable text"),
    ],
)
def test_a_list_in_another_format_is_refused(tmp_path, file, old, new, message):
    path = write_celeba(tmp_path) / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        load_dataset("celeba", data_dir=tmp_path)
    assert str(path) in str(caught.value)


def test_absent_files_say_where_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path)
    with pytest.raises(ConfigurationError, match=r"mmlab\.ie\.cuhk\.edu\.hk.*celeba/"):
        load_dataset("celeba", data_dir=tmp_path)
