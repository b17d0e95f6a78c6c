"""Take the pictures of docs/images: every tab empty, busy, filled and with an error, and the loop as a film.

Usage: gallery.py OUT. It opens a real napari, goes through the whole loop on the generated sample as a person
would, and takes each picture in both themes at 1366 × 768 and 1920 × 1080. `make screenshots` runs it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_SCRATCH = tempfile.TemporaryDirectory()
os.environ["NAPARI_CONFIG"] = str(Path(_SCRATCH.name) / "napari.yaml")
os.environ["NAPARI_GRAFT_HOME"] = str(Path(_SCRATCH.name) / "home")

import napari  # noqa: E402 - after the settings of the person who runs this were put aside
from napari._qt.dialogs.qt_notification import NapariQtNotification  # noqa: E402
from napari.layers import Labels  # noqa: E402
from PIL import Image  # noqa: E402
from qtpy.QtGui import QImage  # noqa: E402
from qtpy.QtWidgets import QWidget  # noqa: E402

from napari_graft._napari.comparison import comparison_view_of  # noqa: E402
from napari_graft._napari.layers import find_layer  # noqa: E402
from napari_graft._qt.measuring.person import Person, look_on, wait_until  # noqa: E402
from napari_graft._qt.shell.docks import GraftDock  # noqa: E402
from napari_graft.core.labels import to_annotation  # noqa: E402
from napari_graft.workbench.next_step import TABS, TabName  # noqa: E402

SIZES = ((1366, 768), (1920, 1080))
THEMES = ("dark", "light")
FILM_WIDTH = 860
PATIENCE = 600.0
N_TILES = 4
MINUTES = 2.0  # enough for a curve where other programs keep the processor busy


class Gallery:
    """Hold the window, and take pictures of it.

    Parameters
    ----------
    out
        Folder for the pictures.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.viewer = napari.Viewer()
        self.dock = GraftDock(self.viewer)
        self.viewer.window.add_dock_widget(self.dock, name="Graft", area="right")
        self.person = Person(self.viewer)
        self.bench = self.dock.workbench
        self.film: list[Image.Image] = []
        self._resize(SIZES[0])

    def tab(self, name: TabName) -> QWidget:
        """Show a tab and return it."""
        self.bench.state.tab = name
        look_on(0.2)
        return self.dock.tabs.widget(TABS.index(name)).widget()

    def take(self, name: TabName, state: str) -> None:
        """Take a tab in all sizes and themes."""
        self.tab(name)
        if state != "error":
            self._dismiss_notifications()
        for size in SIZES:
            self._resize(size)
            for theme in THEMES:
                self.viewer.theme = theme
                look_on(0.4)
                path = self.out / f"{name}-{state}-{theme}-{size[0]}.webp"
                self._picture().save(path, quality=72, method=6)
        self._resize(SIZES[0])
        self.viewer.theme = THEMES[0]
        self._dismiss_notifications()
        look_on(0.2)

    @property
    def has_comparison(self) -> bool:
        """Say whether a comparison is on the canvas, all of it."""
        return comparison_view_of(self.viewer).is_whole

    def shoot(self, n_frames: int = 3) -> None:
        """Add what is seen now to the film, for so many frames."""
        look_on(0.3)
        picture = self._picture()
        height = round(picture.height * FILM_WIDTH / picture.width)
        self.film += [picture.resize((FILM_WIDTH, height), Image.Resampling.LANCZOS)] * n_frames

    def finish(self) -> None:
        """Write the film and close the window."""
        frames = [frame.quantize(96, dither=Image.Dither.NONE) for frame in self.film]
        frames[0].save(
            self.out / "loop.gif",
            save_all=True,
            append_images=frames[1:],
            duration=450,
            loop=0,
            optimize=True,
        )
        self.bench.close()
        self.viewer.close()

    def _dismiss_notifications(self) -> None:
        """Close what napari says in a corner of the window about something that was before."""
        for notification in self.viewer.window._qt_window.findChildren(NapariQtNotification):
            notification.close()

    def _resize(self, size: tuple[int, int]) -> None:
        self.viewer.window._qt_window.resize(*size)
        look_on(0.5)

    def _picture(self) -> Image.Image:
        grabbed = self.viewer.window._qt_window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        pointer = grabbed.constBits()
        pointer.setsize(grabbed.sizeInBytes())
        rows = np.frombuffer(pointer, np.uint8).reshape(grabbed.height(), grabbed.bytesPerLine())
        pixels = rows[:, : 3 * grabbed.width()].reshape(grabbed.height(), grabbed.width(), 3)
        return Image.fromarray(pixels.copy())


def take_empty(gallery: Gallery) -> None:
    """Take all tabs before anything is open."""
    for name in TABS:
        gallery.take(name, "empty")


def take_data(gallery: Gallery, folder: Path) -> None:
    """Refuse a constant image, copy a large one, then start the project of the sample."""
    import dask.array as da

    tab, person, data = gallery.tab("data"), gallery.person, gallery.bench.data
    constant = gallery.viewer.add_image(np.full((512, 512), 7, np.uint8), name="constant")
    data.state.folder = folder / "constant.graft"
    person.click(tab.project.start)
    wait_until(lambda: not data.state.is_opening, seconds=PATIENCE, what="the refusal")
    gallery.take("data", "error")
    gallery.dock.strip.error.clear()
    gallery.viewer.layers.remove(constant)
    pixels = da.random.default_rng(0).integers(
        0, 255, (160, 4096, 4096), dtype=np.uint8, chunks=(1, 2048, 2048)
    )
    large = gallery.viewer.add_image(pixels, name="large", contrast_limits=(0, 255))
    data.state.folder = folder / "large.graft"
    person.click(tab.project.start)
    look_on(3.0)
    gallery.take("data", "busy")
    gallery.bench.context.jobs.cancel()
    wait_until(lambda: not data.state.is_opening, seconds=PATIENCE, what="the end of the copy")
    gallery.viewer.layers.remove(large)
    gallery.shoot()
    person.click(tab.sample)
    wait_until(lambda: data.state.image is not None, seconds=PATIENCE, what="the sample")
    gallery.viewer.reset_view()
    data.set_pixel_size((40.0, 10.0, 10.0), "nm")
    data.state.structure = "neurites"
    data.state.folder = folder / "neuropil.graft"
    gallery.take("data", "filled")
    gallery.shoot(4)
    person.click(tab.project.start)
    wait_until(lambda: gallery.bench.context.project is not None, seconds=PATIENCE, what="the project")


def take_sources(gallery: Gallery, folder: Path) -> None:
    """Rank, preview, use the best."""
    tab, sources = gallery.tab("sources"), gallery.bench.sources
    gallery.person.click(tab.buttons.rank)
    wait_until(
        lambda: bool(gallery.bench.context.jobs.active[0].state.fraction), seconds=PATIENCE, what="rank"
    )
    gallery.take("sources", "busy")
    wait_until(lambda: sources.state.is_ranked, seconds=PATIENCE, what="the ranking")
    gallery.shoot(5)
    gallery.person.click(tab.buttons.preview)
    wait_until(lambda: gallery.has_comparison, seconds=PATIENCE, what="the preview")
    look_on(1.0)
    gallery.take("sources", "filled")
    gallery.shoot(5)
    gallery.person.click(tab.buttons.use)
    sources.close_preview()
    broken = folder / "model.pt"
    broken.write_bytes(b"\x80\x02}q\x00.")
    sources.add(broken)
    wait_until(lambda: not gallery.bench.context.jobs.active, seconds=PATIENCE, what="the refusal")
    gallery.take("sources", "error")
    gallery.dock.strip.error.clear()


def take_annotate(gallery: Gallery) -> None:
    """Suggest, and paint each tile as the truth says."""
    tab, model = gallery.tab("annotate"), gallery.bench.annotating
    model.state.budget = 2 * N_TILES
    gallery.person.click(tab.suggest)
    wait_until(
        lambda: bool(gallery.bench.context.jobs.active[0].state.fraction), seconds=PATIENCE, what="looks"
    )
    gallery.take("annotate", "busy")
    wait_until(lambda: model.state.queue.n_to_do == N_TILES, seconds=PATIENCE, what="the suggestions")
    wait_until(lambda: not gallery.bench.context.jobs.active, seconds=PATIENCE, what="the guesses")
    gallery.shoot(4)
    gallery.person.press("E")
    for number, layer in enumerate(paint_all(gallery)):
        if number == 0:
            gallery.take("annotate", "filled")
            model.set_sparse(True)
            layer.data[...] = 0
            layer.refresh()
            gallery.person.press("D")
            look_on(0.5)
            gallery.take("annotate", "error")
            model.set_sparse(False)
        layer.data[...] = truth_of(gallery, layer)
        layer.refresh()
        gallery.shoot(2)
        n_done = model.state.queue.n_done
        gallery.person.press("D")
        wait_until(lambda before=n_done: model.state.queue.n_done > before, seconds=PATIENCE, what="saving")


def paint_all(gallery: Gallery) -> Iterator[Labels]:
    """Yield the layer of each tile in turn, after a few strokes on the first one."""
    model = gallery.bench.annotating
    for number in range(N_TILES):
        wait_until(
            lambda: model.state.painting is not None and model.state.painting.tile == model.state.current,
            seconds=PATIENCE,
            what="the tile",
        )
        look_on(1.0)
        layer = find_layer(gallery.viewer, "labels")
        assert isinstance(layer, Labels)
        if number == 0:
            for y in (60, 90, 120):
                gallery.person.stroke(layer, [(0, y, 40), (0, y + 10, 70), (0, y, 100)], pause=0.02)
                gallery.shoot(1)
        yield layer


def truth_of(gallery: Gallery, layer: Labels) -> np.ndarray:
    """Return what a careful person would paint on the tile of a layer."""
    truth = find_layer(gallery.viewer, "truth")
    tile = gallery.bench.annotating.state.current
    return to_annotation(np.asarray(truth.data)[tile.slices]).astype(layer.data.dtype)


def take_train(gallery: Gallery) -> None:
    """Train, look at the result, then lose the worker of a second training."""
    tab, training = gallery.tab("train"), gallery.bench.training
    training.state.minutes = MINUTES
    gallery.person.click(tab.train)
    wait_until(lambda: len(training.curve.loss) > 12, seconds=PATIENCE, what="the curve")
    gallery.shoot(4)
    gallery.take("train", "busy")
    wait_until(lambda: bool(training.state.rounds), seconds=PATIENCE, what="the end of the training")
    wait_until(lambda: not gallery.bench.context.jobs.active, seconds=PATIENCE, what="the segmentation")
    look_on(1.0)
    gallery.take("train", "filled")
    gallery.shoot(6)
    gallery.person.click(tab.train)
    wait_until(lambda: len(training.curve.loss) > 3, seconds=PATIENCE, what="the second curve")
    os.kill(gallery.bench.context.process_id("long"), 9)
    wait_until(lambda: not training.state.is_training, seconds=PATIENCE, what="the error")
    gallery.take("train", "error")
    gallery.dock.strip.error.clear()


def take_merged(gallery: Gallery) -> None:
    """Merge the two best sources."""
    sources, training = gallery.bench.sources, gallery.bench.training
    sources.state.ticked = frozenset(row.id for row in sources.state.rows[:2])
    gallery.person.click(gallery.tab("sources").buttons.merge)
    wait_until(
        lambda: bool(training.state.rounds) and training.state.rounds[-1].made_of is not None,
        seconds=PATIENCE,
        what="the merge",
    )
    wait_until(lambda: not gallery.bench.context.jobs.active, seconds=PATIENCE, what="the segmentation")
    look_on(1.0)
    page = gallery.dock.tabs.widget(TABS.index("train"))
    page.ensureWidgetVisible(gallery.tab("train").outcome.shares)
    gallery.take("train", "merged")


def take_compare(gallery: Gallery) -> None:
    """Compare the first round with the source that it started from."""
    tab, comparing = gallery.tab("compare"), gallery.bench.comparing
    gallery.person.click(tab.compare)
    look_on(0.6)
    gallery.take("compare", "busy")
    wait_until(lambda: gallery.has_comparison, seconds=PATIENCE, what="the comparison")
    look_on(1.0)
    gallery.take("compare", "filled")
    gallery.shoot(8)
    comparing.close_comparison()


def take_proofread(gallery: Gallery) -> None:
    """Open the result of the round, look for suspicious objects, and go to the first."""
    box, review = gallery.tab("compare").proofreading, gallery.bench.review
    gallery.person.click(box.open)
    wait_until(
        lambda: gallery.bench.proofreading.state.opened is not None, seconds=PATIENCE, what="the result"
    )
    gallery.person.click(box.review.find)
    look_on(0.5)
    wait_until(lambda: not review.state.is_finding, seconds=PATIENCE, what="the suspicious objects")
    look_on(0.5)
    if review.state.entries:
        review.next()
    look_on(0.5)
    gallery.dock.tabs.currentWidget().ensureWidgetVisible(box.review.current)
    gallery.take("compare", "proofread")
    gallery.bench.proofreading.close()


def take_failed_comparison(gallery: Gallery) -> None:
    """Ask for a comparison where no image is left to compare on."""
    tab = gallery.tab("compare")
    image = find_layer(gallery.viewer, "image")
    gallery.viewer.layers.remove(image)
    gallery.person.click(tab.compare)
    look_on(0.5)
    gallery.take("compare", "error")


def main(out: Path) -> None:
    """Take all pictures."""
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(_SCRATCH.name)
    gallery = Gallery(out)
    take_empty(gallery)
    take_data(gallery, folder)
    take_sources(gallery, folder)
    take_annotate(gallery)
    take_train(gallery)
    take_compare(gallery)
    take_proofread(gallery)
    take_merged(gallery)
    take_failed_comparison(gallery)
    gallery.finish()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
