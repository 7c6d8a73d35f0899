"""A campus file is checked as a whole: every mistake at once with its place, and no secret ever in it or told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.campus import settings, values
from pipeline.campus.load import CampusError, load
from pipeline.campus.template import campus_file
from pipeline.files import resource
from pipeline.layouts.load import load as layout
from pipeline.layouts.load import names
from tests.unit.policy_kit import a_campus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SFTP = """
[connections.bursar]
kind = "sftp"
host = "sftp.bursar.example.edu"
user = "library"
host_key = ["ssh-ed25519 AAAA"]
"""
ALMA = '[alma]\nurl = "https://api-na.hosted.exlibrisgroup.com"\n'


@pytest.fixture
def campus(tmp_path: Path) -> Callable[..., Path]:
    """Write a good campus file with ``more`` at its end and pieces of it exchanged; give its path."""

    def write(more: str = "", *exchanged: tuple[str, str], name: str = "campus.toml") -> Path:
        text = campus_file()
        for old, new in exchanged:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + more, "utf-8")
        return path

    return write


def problems(path: Path, *, secrets: bool = False) -> list[str]:
    """Give what is wrong with a campus file, without the path of the file that every line begins with."""
    with pytest.raises(CampusError) as error:
        load(path, secrets=secrets)
    assert all(line.startswith(f"{path}: ") for line in error.value.problems), error.value.problems
    return [line.removeprefix(f"{path}: ") for line in error.value.problems]


SHORT_NAME = "must be a short name: a small letter, then small letters, digits, - or _"
ONE_OF_EACH = """
name = "mycampus"
title = 17
enviroment = "train"
currency = "usd"
time_zone = "Mars/Phobos"
payments_to = "recorded"

[connections.exchange]
kind = "folder"
path = "exchange"

[connections."Bad Name"]
kind = "folder"
path = "exchange"

[connections.ftp]
kind = "ftp"

[connections.bare]
kind = "sftp"
host = "sftp.bursar.example.edu"
port = "22"
user = "library"
host_key = []

[connections.keyed]
kind = "sftp"
host = "sftp.bursar.example.edu"
user = "library"
host_key = ["ssh-ed25519 AAAA"]
key_file = "id"

[connections.told]
kind = "sftp"
host = "sftp.bursar.example.edu"
user = "library"
host_key = ["ssh-ed25519 AAAA"]
secret = "told"

[sources.alma]
kind = "alma_export"
connection = "nowhere"
patern = "*.xml"

[alma]
url = "http://alma.example.edu"

[[routes]]
to = "gone"

[[routes]]
to = "peoplesoft"

[systems.peoplesoft]
layout = "peoplesoft/defualt"
connection = "exchange"
due = { day_of_month = 31 }

[fee_types.OVERDUEFINE]
label = ""
codes = { gone = { item_type = 300000006919 } }

[terms]
starts = [["2262", 2026-02-01], ["2265", 2026-01-01]]
until = 2026-12-31
"""


def test_one_file_with_one_mistake_of_each_kind_is_told_all_of_them_at_once(tmp_path: Path) -> None:
    path = tmp_path / "campus.toml"
    path.write_text(ONE_OF_EACH, "utf-8")
    (tmp_path / "secrets").mkdir()
    for name in ("id", "secrets/bursar_told"):
        (tmp_path / name).write_text("hunter2", "utf-8")
        (tmp_path / name).chmod(0o640)
    folder = tmp_path / "secrets"
    assert sorted(problems(path, secrets=True)) == sorted(
        [
            "title: must be a valid string (it says 17)",
            "environment: is missing",
            "enviroment: unknown key; did you mean environment?",
            "currency: must be three capital letters, such as USD (it says 'usd')",
            "time_zone: is not a time zone; use a name such as America/Los_Angeles (it says 'Mars/Phobos')",
            "payments_to: must be 'api', 'import_file' or 'record' (it says 'recorded')",
            f"connections.Bad Name: {SHORT_NAME} (it says 'Bad Name')",
            "connections.ftp.kind: must be folder or sftp",
            "connections.bare.port: must be a valid integer (it says '22')",
            "connections.bare.host_key: needs at least 1",
            "connections.bare: give key_file, or secret with the name of a password",
            f"connections.keyed.key_file: the key can be read by others; chmod 600 {tmp_path / 'id'}",
            f"connections.told.secret: the secret can be read by others; chmod 600 {folder / 'bursar_told'}",
            "sources.alma.connection: there is no connection called 'nowhere'",
            "sources.alma.patern: unknown key; did you mean pattern?",
            "alma.url: must be https:// and a host, without a name, password or query (http:// only for 127.0.0.1)",
            f"alma.secret: the secret is missing; set BURSAR_ALMA_KEY or write the file {folder / 'bursar_alma_key'}",
            "routes[1].to: there is no system called 'gone'",
            "routes[2]: is never reached: routes[1] takes everybody; put that one last",
            f"systems.peoplesoft.layout: peoplesoft/defualt: no such layout; there are {', '.join(names())}",
            "systems.peoplesoft.due.day_of_month: must be less than or equal to 28 (it says 31)",
            "fee_types.OVERDUEFINE.label: must not be empty",
            "fee_types.OVERDUEFINE.codes.gone: there is no system called 'gone'",
            "fee_types.OVERDUEFINE.codes.gone.item_type: must be a valid string (it says 300000006919)",
            "terms: starts: the first days must rise",
        ]
    )


def test_a_key_is_guessed_only_from_the_table_it_stands_in(campus: Callable[..., Path]) -> None:
    # `folder` is a key of a source and `folders` one of the file, but a folder connection has neither.
    assert problems(campus("", ('path = "exchange"', 'path = "exchange"\nfolder = "x"'))) == [
        "connections.exchange.folder: unknown key"
    ]


def test_a_last_term_that_ends_before_it_begins_is_refused(campus: Callable[..., Path]) -> None:
    assert problems(campus("", ("until = 2026-12-31", "until = 2026-08-15"))) == [
        "terms: until: lies before the last term begins"
    ]


LAYOUT, PAID = 'layout = "peoplesoft/default"', 'layout = "peoplesoft/paid"'
CONSTANTS = 'constants = { origin_id = "00041" }'
MISFITS = [
    (
        LAYOUT,
        PAID,
        "systems.peoplesoft.layout: peoplesoft/paid is a layout of files that come back; name it in returns",
    ),
    (PAID, LAYOUT, "systems.peoplesoft.returns[1].layout: peoplesoft/default is no layout of payments that come back"),
    (CONSTANTS, "", "systems.peoplesoft.constants: peoplesoft/default asks for origin_id"),
]


@pytest.mark.parametrize(("old", "new", "told"), MISFITS)
def test_a_layout_must_be_of_the_right_direction_and_be_given_what_it_asks_for(
    campus: Callable[..., Path], old: str, new: str, told: str
) -> None:
    assert problems(campus("", (old, new))) == [told]


def test_a_constant_nobody_asks_for_is_a_mistake(campus: Callable[..., Path]) -> None:
    assert problems(campus("", (CONSTANTS, 'constants = { origin_id = "00041", orign = "1" }'))) == [
        "systems.peoplesoft.constants.orign: peoplesoft/default does not ask for it"
    ]


def test_a_value_that_a_layout_takes_without_asking_for_it_may_be_said_or_not(tmp_path: Path) -> None:
    text = '[systems.cashnet]\nlayout = "cashnet/batch_15"\nconstants = {{ {} }}\n'
    asked = dict.fromkeys(layout("cashnet/batch_15").settings, "1")
    for options in ({}, dict.fromkeys(layout("cashnet/batch_15").options, "1")):
        said = ", ".join(f'{name} = "{value}"' for name, value in {**asked, **options}.items())
        assert a_campus(tmp_path, text.format(said)).campus.systems["cashnet"].constants == asked | options


def test_a_layout_of_the_campus_itself_is_found_beside_its_file(campus: Callable[..., Path], tmp_path: Path) -> None:
    own = tmp_path / "schemas/layouts/mine/charges.toml"
    own.parent.mkdir(parents=True)
    own.write_bytes(resource("schemas/layouts/peoplesoft/default.toml").read_bytes())
    assert load(campus("", (LAYOUT, 'layout = "mine/charges"'))).campus.systems["peoplesoft"].layout == "mine/charges"


@pytest.mark.parametrize(
    "code", ["item_type = 300000006919", 'item_type = "30000000691"', 'item_type = "\uff1300000006919"']
)
def test_an_item_type_is_twelve_digits_of_text(campus: Callable[..., Path], code: str) -> None:
    (line,) = problems(campus("", ('item_type = "300000006919"', code)))
    assert line.startswith("fee_types.OVERDUEFINE.codes.peoplesoft.item_type: must be ")


def test_a_campus_file_that_is_not_there_names_the_command_that_writes_one(tmp_path: Path) -> None:
    assert problems(tmp_path / "campus.toml") == ["no such campus file; `bursar init` writes one"]


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "campus.toml"
    path.write_text('name = "x"\nroutes = to\n', "utf-8")
    (line,) = problems(path)
    assert line.startswith("is not TOML: ")
    assert "line 2" in line


def test_a_file_that_is_no_text_is_told_plainly(tmp_path: Path) -> None:
    path = tmp_path / "campus.toml"
    path.write_bytes(b'title = "Universit\xe4t"\n')
    assert problems(path) == ["is not UTF-8 text: byte 18 cannot be read; save it as UTF-8"]


def test_a_folder_in_place_of_the_file_is_told_plainly(tmp_path: Path) -> None:
    assert problems(tmp_path) == ["cannot be read: Is a directory"]


def test_the_sample_campus_is_well() -> None:
    loaded = load(resource("sample_data/export/campus.toml"))
    assert loaded.campus.name == "export"
    assert loaded.campus.currency == "USD"
    assert [route.to for route in loaded.campus.routes] == ["peoplesoft", "cashnet"]


def test_paths_are_relative_to_the_campus_file(campus: Callable[..., Path], tmp_path: Path) -> None:
    loaded = load(campus())
    assert loaded.state == tmp_path / "state"
    assert loaded.path("a/../b") == tmp_path / "b"


def test_the_fingerprint_follows_what_the_file_says_and_not_how(campus: Callable[..., Path]) -> None:
    first = load(campus()).sha
    assert load(campus("# a remark\n")).sha == first
    assert load(campus("", ('title = "My', 'title = "Our'))).sha != first


# ---- one file that builds on another


def over(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_an_overlay_merges_tables_and_replaces_all_else(campus: Callable[..., Path], tmp_path: Path) -> None:
    campus(name="base.toml")
    path = over(
        tmp_path,
        "campus.toml",
        'base = "base.toml"\n'
        'title = "Another"\n'
        '[systems.peoplesoft]\nfolder = "elsewhere"\n'
        '[terms]\nstarts = [["2272", 2026-01-01]]\n',
    )
    under, merged = load(tmp_path / "base.toml").campus, load(path).campus
    assert merged.title == "Another"
    assert merged.systems["peoplesoft"].folder == "elsewhere"
    assert merged.systems["peoplesoft"].layout == under.systems["peoplesoft"].layout
    assert [code for code, _ in merged.terms.starts] == ["2272"]
    assert merged.terms.until == under.terms.until
    assert merged.routes == under.routes


def test_a_table_of_another_kind_replaces_the_one_below_whole(campus: Callable[..., Path], tmp_path: Path) -> None:
    campus(name="base.toml")
    path = over(
        tmp_path, "campus.toml", 'base = "base.toml"\n' + SFTP.replace("connections.bursar", "connections.exchange")
    )
    connection = load(path).campus.connections["exchange"]
    assert isinstance(connection, settings.SftpConnection)


def test_a_table_of_the_same_kind_is_merged(campus: Callable[..., Path], tmp_path: Path) -> None:
    campus(SFTP, name="base.toml")
    path = over(tmp_path, "campus.toml", 'base = "base.toml"\n[connections.bursar]\nkind = "sftp"\nport = 2022\n')
    connection = load(path).campus.connections["bursar"]
    assert isinstance(connection, settings.SftpConnection)
    assert (connection.host, connection.port) == ("sftp.bursar.example.edu", 2022)


def test_a_base_lies_beside_the_file_that_names_it(campus: Callable[..., Path], tmp_path: Path) -> None:
    campus(name="system/base.toml")
    middle = over(tmp_path / "system", "middle.toml", 'base = "base.toml"\ntitle = "Middle"\n')
    path = over(tmp_path, "campus.toml", f'base = "system/{middle.name}"\nname = "north"\n')
    loaded = load(path)
    assert (loaded.campus.name, loaded.campus.title) == ("north", "Middle")
    assert loaded.state == tmp_path / "state"


def test_a_mistake_is_told_with_the_file_that_makes_it(campus: Callable[..., Path], tmp_path: Path) -> None:
    base = campus("", ('currency = "USD"', 'currency = "usd"'), name="base.toml")
    path = over(tmp_path, "campus.toml", 'base = "base.toml"\n[[routes]]\nto = "gone"\n')
    with pytest.raises(CampusError) as error:
        load(path)
    assert error.value.problems == (
        f"{base}: currency: must be three capital letters, such as USD (it says 'usd')",
        f"{path}: routes[1].to: there is no system called 'gone'",
    )


def test_files_that_build_on_each_other_are_named(tmp_path: Path) -> None:
    one, two = (over(tmp_path, f"{name}.toml", f'base = "{other}.toml"\n') for name, other in (("a", "b"), ("b", "a")))
    (line,) = problems(one)
    assert line == f"base: these files build on each other in a circle: {one} -> {two} -> {one}"


@pytest.mark.parametrize(
    ("base", "told"), [("7", "base: must be the path of another campus file"), ('"no.toml"', "base: there is no file ")]
)
def test_a_base_that_leads_nowhere_is_refused(tmp_path: Path, base: str, told: str) -> None:
    (line,) = problems(over(tmp_path, "campus.toml", f"base = {base}\n"))
    assert line.startswith(told)


# ---- secrets


def private(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def test_a_secret_comes_from_the_environment(campus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_ALMA_KEY", "l8xx")
    assert load(campus(ALMA), secrets=True).secrets["alma_key"].get_secret_value() == "l8xx"


def test_a_secret_comes_from_a_private_file_and_loses_its_line_end(campus: Callable[..., Path], tmp_path: Path) -> None:
    private(tmp_path / "secrets/bursar_alma_key", "l8xx\n")
    assert load(campus(ALMA), secrets=True).secrets["alma_key"].get_secret_value() == "l8xx"


def test_the_environment_goes_before_the_file(
    campus: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private(tmp_path / "secrets/bursar_alma_key", "old")
    monkeypatch.setenv("BURSAR_ALMA_KEY", "new")
    assert load(campus(ALMA), secrets=True).secrets["alma_key"].get_secret_value() == "new"


def test_secrets_may_lie_in_another_folder(campus: Callable[..., Path], tmp_path: Path) -> None:
    private(tmp_path / "keys/bursar_alma_key", "l8xx")
    path = campus(ALMA, ("#[folders]", "[folders]"), ('#secrets = "secrets"', 'secrets = "keys"'))
    assert load(path, secrets=True).secrets["alma_key"].get_secret_value() == "l8xx"


@pytest.mark.parametrize("said", ["", " \n"])
def test_a_secret_that_says_nothing_is_missing(campus: Callable[..., Path], tmp_path: Path, said: str) -> None:
    private(tmp_path / "secrets/bursar_alma_key", said)
    (line,) = problems(campus(ALMA), secrets=True)
    assert line.startswith("alma.secret: the secret is missing; set BURSAR_ALMA_KEY")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_may_touch_is_refused_even_beside_the_environment(
    campus: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setenv("BURSAR_ALMA_KEY", "new")
    private(tmp_path / "secrets/bursar_alma_key", "old").chmod(mode)
    (line,) = problems(campus(ALMA), secrets=True)
    assert line.startswith("alma.secret: the secret can be read by others; chmod 600 ")


def test_every_secret_is_looked_for_whatever_it_is_called(
    campus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # `copy` and `model_config` are names that a settings object has already.
    names = ("copy", "model_config", "sftp_password")
    more = "".join(SFTP.replace("bursar]", f"c{at}]") + f'secret = "{one}"\n' for at, one in enumerate(names))
    for one in names:
        monkeypatch.setenv(f"BURSAR_{one.upper()}", one[::-1])
    found = load(campus(more), secrets=True).secrets
    assert {name: one.get_secret_value() for name, one in found.items()} == {one: one[::-1] for one in names}


def test_a_key_file_must_be_there(campus: Callable[..., Path], tmp_path: Path) -> None:
    (line,) = problems(campus(SFTP + 'key_file = "secrets/id"\n'), secrets=True)
    assert line == f"connections.bursar.key_file: there is no file {tmp_path / 'secrets/id'}"
    private(tmp_path / "secrets/id", "key")
    assert load(campus(SFTP + 'key_file = "secrets/id"\n'), secrets=True).secrets == {}


def test_nobody_asks_for_secrets_where_none_are_needed(campus: Callable[..., Path]) -> None:
    assert load(campus(ALMA + SFTP + 'secret = "sftp_password"\n')).secrets == {}


def test_a_secret_is_never_shown(campus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_ALMA_KEY", "l8xx-canary")
    assert "canary" not in repr(load(campus(ALMA), secrets=True))


@pytest.mark.parametrize(
    "mistake",
    ['secret = "Canary!7"', 'password = "Canary!7"', 'url = "https://me:Canary!7@alma.example.edu"'],
)
def test_a_password_written_into_the_file_by_mistake_is_not_repeated(campus: Callable[..., Path], mistake: str) -> None:
    alma = ALMA if "url" not in mistake else "[alma]\n"
    assert [line for line in problems(campus(alma + mistake + "\n"), secrets=True) if "Canary" in line] == []


def test_the_key_for_titles_is_a_secret_like_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = a_campus(tmp_path, 'title_key = "titles"\n')
    assert loaded.campus.title_key == "titles"
    path = tmp_path / "campus.toml"
    assert problems(path, secrets=True) == [
        f"title_key: the secret is missing; set BURSAR_TITLES or write the file {tmp_path / 'secrets/bursar_titles'}"
    ]
    monkeypatch.setenv("BURSAR_TITLES", "marks")
    assert load(path, secrets=True).secrets["titles"].get_secret_value() == "marks"


# ---- what an id must look like


@pytest.mark.parametrize(
    ("picture", "text", "fits"),
    [
        ("999999999", "012345678", True),
        ("999999999", "12345678", False),
        ("999999999", "0123456789", False),
        ("999999999", "01234567٨", False),
        ("999999999", "012345678\n", False),
        ("A9999", "x0001", True),
        ("A9999", "é0001", False),
        ("p.99", "p.12", True),
        ("p.99", "px12", False),
        ("", "", True),
    ],
)
def test_an_id_fits_its_picture_as_a_whole_or_not_at_all(picture: str, text: str, fits: bool) -> None:  # noqa: FBT001
    assert (values.shape(picture).fullmatch(text) is not None) is fits


@pytest.mark.parametrize("picture", ["9999 99", "99\\t", "é99"])
def test_a_picture_with_blanks_or_strange_letters_is_refused(campus: Callable[..., Path], picture: str) -> None:
    line = problems(campus("", ('#id_shape = "999999999"', f'id_shape = "{picture}"')))[0]
    assert line.startswith("routes[1].id_shape: must be written without blanks")
