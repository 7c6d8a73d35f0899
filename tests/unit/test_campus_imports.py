"""What a campus file may say about payments that Alma imports or that are kept as settled."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from pipeline.campus.load import CampusError, load
from pipeline.cli.shadow import OUT, shadowed
from tests.samples import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = '[imports]\nconnection = "library"\nfolder = "import"\n'
SECOND = '[sources.law]\nkind = "alma_export"\nconnection = "library"\nfolder = "law"\n'


def said(folder: Path, *lines: str, way: str = "export") -> Path:
    path = folder / "campus.toml"
    path.write_text("\n".join([f'base = "{SAMPLES / way / "campus.toml"}"', *lines]), "utf-8")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(CampusError) as error:
        load(path)
    return [one.removeprefix(f"{path}: ") for one in error.value.problems]


def test_imports_are_named_by_source_date_and_number(tmp_path: Path) -> None:
    imports = load(said(tmp_path, 'payments_to = "import_file"', IMPORTS)).campus.imports
    assert imports is not None
    assert imports.file_name("alma", date(2026, 3, 2), 7) == "payments_alma_20260302_0007.xml"
    assert imports.file_name("alma", date(2026, 3, 2), 12345) == "payments_alma_20260302_12345.xml"


def test_a_name_is_known_again_whatever_its_date_and_number(tmp_path: Path) -> None:
    imports = load(said(tmp_path, 'payments_to = "import_file"', IMPORTS)).campus.imports
    assert imports is not None
    fits = [
        imports.is_name("alma", f"payments_{rest}") for rest in ("alma_20260302_0007.xml", "alma_20190101_12345.xml")
    ]
    others = ("law_20260302_0007.xml", "alma_20260302_007.xml", "alma_20260302_0007.xml.done", "alma_20260302_0007_xml")
    assert fits == [True, True]
    assert not any(imports.is_name("alma", f"payments_{rest}") for rest in others)
    short = imports.model_copy(update={"name": "p{seq}.{source}"})
    assert (short.is_name("a.b", "p0001.a.b"), short.is_name("a.b", "p0001.axb")) == (True, False)


def test_import_file_needs_to_know_where_the_files_go(tmp_path: Path) -> None:
    path = said(tmp_path, 'payments_to = "import_file"')
    assert problems(path) == ["payments_to: is 'import_file'; say where the files go in a table [imports]"]


@pytest.mark.parametrize("way", ["import_file", "record"])
def test_fees_of_a_report_stay_open_in_alma_so_only_the_api_settles_them(tmp_path: Path, way: str) -> None:
    path = said(tmp_path, f'payments_to = "{way}"', IMPORTS, way="two_way")
    (problem,) = problems(path)
    assert problem.startswith(
        f"payments_to: is '{way}', which settles fees that Alma has exported; those of the report"
    )
    assert problem.endswith("only 'api' can do that")


def test_record_needs_nothing_more_where_fees_come_by_exports(tmp_path: Path) -> None:
    assert load(said(tmp_path, 'payments_to = "record"')).campus.payments_to == "record"


def test_our_own_files_must_not_lie_where_exports_are_looked_for(tmp_path: Path) -> None:
    path = said(tmp_path, '[imports]\nconnection = "library"\nfolder = "./x/.."\n')
    assert problems(path) == ["imports.folder: is that of the exports of alma: our own file would be read as an export"]


def test_several_sources_need_files_of_several_names(tmp_path: Path) -> None:
    path = said(tmp_path, IMPORTS + 'name = "pay_{seq}.xml"\n', SECOND)
    assert problems(path) == ["imports.name: needs {source}: there are several, and no two files may have one name"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pay_{date}.xml", "needs {seq}"),
        ("pay_{seq}_{hour}.xml", "needs {seq}"),
        ("../pay_{seq}.xml", "may have letters"),
        (".pay_{seq}.xml", "may have letters"),
    ],
)
def test_a_name_that_is_used_twice_or_is_a_path_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (problem,) = problems(said(tmp_path, IMPORTS + f'name = "{name}"\n'))
    assert problem.startswith(f"imports.name: {says}")


def test_its_connection_must_exist(tmp_path: Path) -> None:
    path = said(tmp_path, '[imports]\nconnection = "nowhere"\n')
    assert problems(path) == ["imports.connection: there is no connection called 'nowhere'"]


def test_in_shadow_nothing_reaches_alma(tmp_path: Path) -> None:
    path = said(tmp_path, 'payments_to = "import_file"', 'mode = "shadow"', IMPORTS)
    imports = shadowed(load(path)).campus.imports
    assert imports is not None
    assert imports.connection == OUT
