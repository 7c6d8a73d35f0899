"""Whether the Alma of the box keeps to Ex Libris' published descriptions, where those are at hand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.sandbox.alma_calls import BASE
from tests.unit.sandbox_kit import STUDENT, ask, pay, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.sandbox.alma import Alma
    from tests.unit.sandbox_kit import Seen

PLACE = os.environ.get("BURSAR_SAMPLES") or str(Path(__file__).parents[3] / "shared" / "samples")
SAMPLES = Path(PLACE) / "alma"
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "object": (dict,),
    "array": (list,),
}

pytestmark = pytest.mark.skipif(
    not (SAMPLES / "rest_fee.json").is_file(),
    reason="no published descriptions here; name their folder in BURSAR_SAMPLES",
)


def described(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text("utf-8"))


def resolved(schema: Mapping[str, Any], home: str) -> tuple[Mapping[str, Any], str]:
    """Follow references inside a file and to the file beside it."""
    while "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#/")
        home = Path(file).name or home
        schema = described(home)[pointer]
    return schema, home


def faults(value: object, schema: Mapping[str, Any], home: str, place: str) -> Iterator[str]:
    """Name every value of another type than described, and every name that is not described at all."""
    schema, home = resolved(schema, home)
    if not isinstance(value, TYPES[schema["type"]]) or isinstance(value, bool):
        yield f"{place}: {value!r} is no {schema['type']}"
    elif isinstance(value, dict):
        for name, item in value.items():
            known = schema["properties"].get(name)
            yield from faults(item, known, home, f"{place}.{name}") if known else [f"{place}.{name}: not described"]
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], home, f"{place}[{number}]")
    elif schema.get("format") == "date-time" and not re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(value)
    ):
        yield f"{place}: {value!r} is no time"


def fees_faults(seen: Seen) -> list[str]:
    return list(faults(seen.json, described("rest_fees.json")["rest_fees"], "rest_fees.json", "fees"))


def fee_faults(seen: Seen) -> list[str]:
    return list(faults(seen.json, described("rest_fee.json")["rest_fee"], "rest_fee.json", "fee"))


def lived_in(alma: Alma) -> str:
    """Make fees of every kind; give the id of one that was exported and paid in part."""
    alma.world.add_fee(STUDENT, "CREDIT", -50, comment="returned")
    fee = alma.world.add_fee(STUDENT, "OVERDUEFINE", 2223, owner="MAIN", title="History", barcode="93727")
    alma.world.exported(fee, "BURSAR")
    assert pay(alma, fee, "2.77", comment="run 1").status == 200
    return fee.fee_id


def test_lists_fees_and_reports_have_the_published_names_and_types() -> None:
    with running() as (alma, _):
        fee_id = lived_in(alma)
        lists = [
            ask(alma, "GET", "/users/001234567/fees", status=status) for status in ("ACTIVE", "EXPORTED", "CLOSED")
        ]
        report = ask(alma, "GET", "/conf/utilities/fee-transactions")
        single = ask(alma, "GET", f"/users/001234567/fees/{fee_id}")
        paid = pay(alma, alma.world.fees[fee_id], "1")
    assert [fees_faults(seen) for seen in (*lists, report)] == [[], [], [], []]
    assert [fee_faults(seen) for seen in (single, paid)] == [[], []]


@pytest.mark.parametrize("name", ["jbister_fines.json", "fines_pay_amount.json"])
def test_the_published_answers_pass_the_same_checker(name: str) -> None:
    assert list(faults(described(name), described("rest_fees.json")["rest_fees"], "rest_fees.json", name)) == []


def test_the_checker_has_teeth() -> None:
    published = described("rest_fees.json")["rest_fees"]
    wrong = {"fee": [{"balance": "22.23", "amount": 1, "status_time": "2026"}], "total_record_count": True}
    told = list(faults(wrong, published, "rest_fees.json", "fees"))
    assert [line.partition(":")[0] for line in told] == [
        "fees.fee[0].balance",
        "fees.fee[0].amount",
        "fees.fee[0].status_time",
        "fees.total_record_count",
    ]


def names_of(value: object) -> set[str]:
    """Name everything in an answer, by where it stands in a fee or beside it."""
    if isinstance(value, dict):
        return set(value).union(*(names_of(item) for item in value.values()))
    return set().union(*(names_of(item) for item in value)) if isinstance(value, list) else set()


def test_the_box_says_at_least_what_a_real_answer_says() -> None:
    with running() as (alma, _):
        lived_in(alma)
        told = ask(alma, "GET", "/users/001234567/fees", status="EXPORTED").json
    assert names_of(described("fines_pay_amount.json")) - names_of(told) == set()


def test_errors_have_the_published_shape() -> None:
    with running() as (alma, _):
        refused = ask(alma, "GET", "/users/nobody/fees").json
    published = described("error_429_per_second.json")
    assert set(refused) == set(published)
    assert set(refused["errorList"]["error"][0]) == set(published["errorList"]["error"][0])


@pytest.mark.parametrize(
    ("file", "path", "parameters"),
    [
        ("openapi_users_fees.json", "/users/{user_id}/fees", {}),
        ("openapi_users_fees.json", "/users/{user_id}/fees/{fee_id}", {}),
        ("openapi_users_fees.json", "/users/{user_id}", {}),
        ("openapi_conf_fee_transactions.json", "/conf/utilities/fee-transactions", {}),
        ("openapi_analytics.json", "/analytics/reports", {"path": "/shared/none"}),
    ],
)
def test_every_refusal_is_one_that_is_documented_for_its_call(file: str, path: str, parameters: dict[str, str]) -> None:
    call = described(file)["paths"][f"{BASE}{path}"]["get"]
    documented = set(re.findall(r"(\d+) - '", call["responses"]["400"]["description"]))
    spoiled = {"status": "OPEN", "transaction_type": "X", "token": "0", **parameters}
    with running() as (alma, _):
        concrete = path.replace("{user_id}", "nobody" if path.endswith("id}") else "001234567").replace("{fee_id}", "1")
        refused = ask(alma, "GET", concrete, **spoiled)
    assert refused.status == 400
    assert refused.code in documented


def test_the_published_parameters_of_a_payment_are_those_the_box_reads() -> None:
    call = described("openapi_users_fees.json")["paths"][f"{BASE}/users/{{user_id}}/fees/{{fee_id}}"]["post"]
    documented = {parameter["name"] for parameter in call["parameters"] if parameter["in"] == "query"}
    assert documented == {"user_id_type", "op", "amount", "method", "reason", "comment", "external_transaction_id"}


@pytest.mark.parametrize("name", ["bursar_export_sandbox.xml", "bursar_export_itemless.xml"])
def test_every_fee_of_a_published_export_is_in_the_box_after_loading_it(name: str) -> None:
    text = (SAMPLES / name).read_text("utf-8")
    with running() as (alma, _):
        loaded = alma.load_from_export(SAMPLES / name)
        assert (loaded.new, loaded.known, loaded.left_out) == (text.count("<xb:userFineFee>"), 0, 0)
        assert {fee.bursar_id for fee in alma.world.fees.values()} == set(
            re.findall(r"bursarTransactionId>(\w+)<", text)
        )
