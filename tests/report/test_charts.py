"""What the charts draw is what the numbers say."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from napari_graft.fingerprints.source_map import TARGET, map_of_distances
from napari_graft.report import LoopRecord, Overview, SuggestedTile
from napari_graft.report.drawing import DARK, LIGHT, Picture
from napari_graft.report.round_charts import curve_chart, overview_charts, round_colour
from napari_graft.report.source_charts import map_chart, ranking_chart
from napari_graft.report.tables import result_bars, score_rows


def pixels(picture: Picture) -> np.ndarray:
    """Return the (y, x, 3) colours of a picture as integers."""
    return np.rint(255 * imread(io.BytesIO(picture.png))[..., :3]).astype(int)


def is_colour(picture: Picture, colour: str) -> np.ndarray:
    """Mark the pixels of a colour."""
    return (pixels(picture) == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2)


def test_the_chosen_source_alone_has_the_colour_of_adaptation(record: LoopRecord) -> None:
    chosen = is_colour(ranking_chart(record).light, LIGHT.adapted)
    rows = np.flatnonzero(chosen.any(axis=1))
    assert chosen.any()
    assert rows.max() - rows.min() < 40  # one bar, in pixels of the file
    nobody = replace(record, rounds=tuple({**row, "source": "other"} for row in record.rounds))
    assert not is_colour(ranking_chart(nobody).light, LIGHT.adapted).any()


def test_longer_bars_stand_for_farther_sources(record: LoopRecord) -> None:
    rows = tuple({**record.ranking[0], "z": z} for z in (6.0, 12.0))
    blue = is_colour(ranking_chart(replace(record, ranking=rows)).light, LIGHT.adapted)
    lengths = blue.sum(axis=1)[blue.any(axis=1)]
    np.testing.assert_allclose([lengths[3], lengths[-3]] / lengths[3], [1, 2], atol=0.02)


@pytest.mark.parametrize("values", [(-1.0, float("nan")), (-40.0, 29.0), (3.0, 1e5)])
def test_any_spread_of_distances_is_drawn_inside_the_picture(
    record: LoopRecord, values: tuple[float, ...]
) -> None:
    rows = tuple({**row, "z": z} for row, z in zip(record.ranking, values, strict=False))
    colours = pixels(ranking_chart(replace(record, ranking=rows)).light)
    for edge in (colours[0], colours[-1], colours[:, 0], colours[:, -1]):
        assert (edge == 255).all()


def test_the_longest_title_is_not_cut_off_where_it_is_bold(record: LoopRecord) -> None:
    wide = "Mouse_neurites_hippocampus_CA1_MM_FIB-SEM_1"
    rows = tuple(
        {**row, "title": wide if row["source"] == record.source_id else row["title"]}
        for row in record.ranking
    )
    colours = pixels(ranking_chart(replace(record, ranking=rows)).light)
    assert (colours[:, :8] == colours[0, 0]).all()


def test_each_page_has_its_own_ground_and_the_settings_of_matplotlib_stay(record: LoopRecord) -> None:
    before = dict(matplotlib.rcParams)
    for figure in (ranking_chart(record), curve_chart(record)):
        assert is_colour(figure.light, LIGHT.page)[0].all()
        assert is_colour(figure.dark, DARK.page)[0].all()
        assert figure.light.alt == figure.dark.alt
        assert figure.light.size == figure.dark.size == tuple(2 * side for side in figure.light.page_size)
    assert dict(matplotlib.rcParams) == before


def test_the_curve_names_every_point_for_those_who_cannot_see_it(record: LoopRecord) -> None:
    rows = tuple({**row, "vi": vi} for row, vi in zip(record.rounds, (0.4321, 0.25), strict=True))
    assert (
        "VI by annotated tiles: adapted 0.43 at 4, 0.25 at 8;"
        in curve_chart(replace(record, rounds=rows)).light.alt
    )


def test_a_tile_is_drawn_where_it_lies_at_the_scale_of_the_overview(record: LoopRecord) -> None:
    tile = SuggestedTile(2, (40, 100), (60, 80), 0.5, "why", 0)
    shown = replace(record, tiles=(tile,), overviews=(Overview(np.zeros((100, 160), np.uint8), None, 2.0),))
    (picture,) = overview_charts(shown)
    drawn = is_colour(picture, round_colour(2))
    zoom = picture.size[0] / 160
    y, x = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
    found = np.array([y.min(), y.max(), x.min(), x.max()]) / zoom
    np.testing.assert_allclose(found, [20, 50, 50, 90], atol=1.0)


def test_a_tile_is_drawn_on_its_own_overview_only(record: LoopRecord) -> None:
    only_first = replace(record, tiles=record.tiles[:4])
    first, second = overview_charts(only_first)
    assert is_colour(first, round_colour(1)).any()
    assert not is_colour(second, round_colour(1)).any()
    assert second.alt == "Slice 1, without a suggested tile."


def test_the_best_of_each_column_is_marked_by_its_direction(record: LoopRecord) -> None:
    rows = {row.name: row.cells for row in score_rows(record)}
    assert list(rows) == [
        "Source as it is",
        "From scratch, 4 tiles",
        "From scratch, 8 tiles",
        "Adapted, 4 tiles",
        "Adapted, 8 tiles",
    ]
    vi, ap50 = ({name: cells[i] for name, cells in rows.items()} for i in (0, 4))
    assert [name for name, cell in vi.items() if cell.is_best] == [min(vi, key=lambda n: float(vi[n].words))]
    assert [name for name, cell in ap50.items() if cell.is_best] == [
        max(ap50, key=lambda n: float(ap50[n].words))
    ]


def test_the_bars_of_the_result_are_to_scale(record: LoopRecord) -> None:
    bars = result_bars(record)
    assert max(bar.length for bar in bars) == pytest.approx(100)
    for bar in bars:
        assert bar.length / 100 * max(float(b.value) for b in bars) == pytest.approx(
            float(bar.value), abs=0.011
        )
    cells = replace(record, structure="cells")
    assert all(bar.length == pytest.approx(100 * float(bar.value), abs=0.51) for bar in result_bars(cells))


def n_of_adapted_colour(record: LoopRecord, adapted: float, scratch: float) -> int:
    """Return how many pixels the adapted model's only point and its number fill in the plot of AP50."""
    rows = ({**record.rounds[0], "ap50": adapted, "vi": 1.0},)
    rival = {**record.scratch, "ap50": scratch, "vi": 2.0}
    chart = curve_chart(replace(record, rounds=rows, scratch=rival, scratch_rounds=(), zero_shot={})).light
    return int(is_colour(chart, LIGHT.adapted)[:, chart.size[0] // 2 :].sum())


@pytest.mark.parametrize(("adapted", "scratch"), [(0.62, 0.81), (0.81, 0.62), (0.05, 0.12)])
def test_the_numbers_of_two_near_points_do_not_cover_each_other(
    record: LoopRecord, adapted: float, scratch: float
) -> None:
    apart = n_of_adapted_colour(record, adapted, 1.0 if adapted < scratch else 0.0)
    assert n_of_adapted_colour(record, adapted, scratch) == pytest.approx(apart, rel=0.1)


def test_the_numbers_of_equal_points_are_both_readable(record: LoopRecord) -> None:
    assert n_of_adapted_colour(record, 0.5, 0.5) > 0.3 * n_of_adapted_colour(record, 0.5, 0.0)


def test_the_image_is_marked_on_the_map_and_its_neighbours_are_named_in_words(record: LoopRecord) -> None:
    assert record.source_map is not None
    figure = map_chart(record.source_map, record.titles)
    assert "Nearest to your image: Fly neurites · FIB-SEM (0.02); Mouse CA1" in figure.light.alt
    for picture, theme in ((figure.light, LIGHT), (figure.dark, DARK)):
        marked = is_colour(picture, theme.scratch)
        rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
        assert len(rows) > 200  # the column of the image runs through all rows
        assert len(columns) > len(rows)  # and its row through all columns, and its name beside them
    alone = map_of_distances(["a", "b"], np.array([[0, 1.0], [1.0, 0]]))
    assert not is_colour(map_chart(alone, {}).light, LIGHT.scratch).any()


def test_equal_squares_of_the_map_have_equal_shades_and_nearer_ones_are_darker(record: LoopRecord) -> None:
    distances = np.array([[0, 0.2, 1], [0.2, 0, 1], [1, 1, 0]], float)
    drawn = pixels(map_chart(map_of_distances(["a", "b", "c"], distances), {}).light)
    left, top, side = 2 * 168, 2 * 12, 2 * 30
    at = [
        [drawn[top + side * y + side // 2, left + side * x + side // 2].sum() for x in range(3)]
        for y in range(3)
    ]
    order = map_of_distances(["a", "b", "c"], distances).ordered_distances
    np.testing.assert_array_equal(at, np.transpose(at))
    assert [shade for _, shade in sorted(zip(order.ravel(), np.ravel(at), strict=True))] == sorted(
        np.ravel(at)
    )
    assert len(set(np.ravel(at).tolist())) == 3


@pytest.mark.parametrize("n", [2, 30])
def test_maps_of_few_and_many_sources_stay_inside_the_picture(n: int) -> None:
    at = np.random.default_rng(0).normal(size=(n, 4))
    names = [*(f"source-{i}" for i in range(n - 1)), TARGET]
    titles = dict.fromkeys(names, "A long title of a source, of which there are many")
    mapped = map_of_distances(names, np.linalg.norm(at[:, None] - at, axis=-1))
    colours = pixels(map_chart(mapped, titles, "a very long name of a project folder, as some give it").light)
    for edge in (colours[0], colours[-1], colours[:, 0], colours[:, -1]):
        assert (edge == 255).all()
