"""`python -m benchmarks`: the table keeps the figures before, and is written where one fails."""

from pathlib import Path

import pytest

import benchmarks.__main__ as program
from benchmarks.figures import FILE_VARIABLE, note


def test_a_benchmark_that_fails_costs_its_own_rows_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "table.md"
    rows = [["wire", "read a delta", "8.00 µs", "", "json", "16.0 µs", "2.00"]]
    program.write(table, {"wire": rows})
    monkeypatch.setitem(program.PARTS, "no_such_module", program.Part())
    monkeypatch.setattr("sys.argv", ["benchmarks", "no_such_module", "--table", str(table)])
    assert program.main() == 1
    assert program.earlier_rows(table) == {
        "wire": rows,
        "no_such_module": [["no_such_module", "failed with status 1", *[""] * 5]],
    }


def test_a_figure_is_shown_beside_the_one_before_and_its_alternative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "figures"))
    note("read a delta", 4.0, "µs", by="json", other=16.0)
    figure = program.json.loads((tmp_path / "figures").read_text())
    cells = program.cells_of("wire", figure, {"read a delta": "8.00 µs"})
    assert cells == ["wire", "read a delta", "4.00 µs", "8.00 µs", "json", "16.0 µs", "4.00"]


def test_every_benchmark_has_its_row() -> None:
    files = {path.stem for path in program.ROOT.joinpath("benchmarks").glob("*.py")}
    not_run = {"__init__", "__main__", "figures", "engines"}  # `server` runs `engines`
    assert files - not_run == set(program.PARTS)
