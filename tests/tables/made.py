"""Random tables for the tests of this folder."""

from __future__ import annotations

from hypothesis import strategies as st

from mmret.tables import Cell, Table

# Signs that HTML can carry: no control signs, no lone surrogates, no noncharacters.
SIGNS = st.characters(exclude_categories=("Cs", "Cc", "Cn"))
TEXTS = st.one_of(
    st.text(SIGNS, max_size=8).map(lambda text: " ".join(text.split())),
    st.sampled_from(
        ["a|b", "<b>", "&amp;", "x: y, z", "日本 東京", "القاهرة", "שלום", "1 : 2", '"', "e\u0301", "👩‍🚀"]
    ),
)


@st.composite
def tiled(draw: st.DrawFn, most: int = 6) -> Table:
    """A table whose cells tile a rectangle: merged cells at random, perhaps headers on top, all texts different."""
    height, width = draw(st.integers(1, most)), draw(st.integers(1, most))
    depth = draw(st.integers(0, min(2, height)))
    free = [[True] * width for _ in range(height)]
    rows: list[tuple[Cell, ...]] = []
    for top in range(height):
        row = []
        for left in range(width):
            if not free[top][left]:
                continue
            room = next((c for c in range(left, width) if not free[top][c]), width) - left
            floor = depth if top < depth else height  # headers do not reach into the body
            columns, tall = draw(st.integers(1, min(room, 3))), draw(st.integers(1, min(floor - top, 3)))
            for covered in free[top : top + tall]:
                covered[left : left + columns] = [False] * columns
            header = top < depth or draw(st.integers(0, 5)) == 0
            row.append(Cell(f"{draw(TEXTS)} {top}.{left}".strip(), header, tall, columns))
        rows.append(tuple(row))
    return Table(draw(TEXTS), tuple(rows))


@st.composite
def wild(draw: st.DrawFn) -> Table:
    """A table as broken pages have it: ragged rows, overlaps, spans that lead out of the table."""
    cells = st.builds(
        Cell,
        TEXTS,
        st.booleans(),
        st.integers(0, 5),
        st.sampled_from([1, 1, 1, 2, 3, 1000]),
        st.lists(TEXTS, max_size=2).map(tuple),
    )
    rows = draw(st.lists(st.lists(cells, min_size=1, max_size=5).map(tuple), max_size=6).map(tuple))
    return Table(draw(TEXTS), rows)
