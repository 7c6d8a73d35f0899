"""A made-up Alma bursar export of any size, the same bytes every time: something to measure with.

Nobody in it exists.  The layout is that of the published samples: two siblings, ``xsi`` declared on the elements that
say nil, decimals stripped of their zeros, one element a line; a fee takes about 1.1 kB.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans"
INSTITUTION = "6761"
TYPES = (
    *("OVERDUEFINE",) * 10,
    *("LOSTITEMREPLACEMENTFEE",) * 4,
    *("LOSTITEMPROCESSFEE",) * 4,
    *("RECALLEDOVERDUEFINE",) * 2,
    "DAMAGEDITEMFINE",
    "OTHER",
    "CARDRENEWAL",
    "LIBRARYCARDREPLACEMENT",
    "CUSTOMER_DEFINED_01",
    "CREDIT",
)
OWNERS = ("MAIN", "MAIN", "MAIN", "SCIENCE", "LAW", "MUSIC", "RES_SHARE")
SUMS = ("0.5", "0.82", "1.45", "3.25", "5", "10", "14", "15", "65", "95", "100", "123.45", "300")
SUBJECTS = (
    *("glaciers", "harbours", "lichens", "tin mines", "weaving", "canals", "moths", "bell towers", "peat", "tides"),
    *("salt &amp; trade", "café culture"),
)
FORMS = ("An introduction to", "Collected papers on", "A field guide to", "The economic history of", "Notes towards")
SOUVENIRS = ("proceedings of a conference", "a handbook for students", "with maps and tables", "essays old and new")
FEES_OF_A_USER = (1, 1, 1, 1, 2, 2, 3, 4, 5)
BLOCK = 1 << 20

NIL = 'xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'

HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<xb:xml-fragment xmlns:xb="{NAMESPACE}">
<xb:userExportedFineFees>
<xb:exportNumber>198136520006761</xb:exportNumber>
</xb:userExportedFineFees>
<xb:userExportedFineFees>
<xb:userExportedList>
"""
TAIL = """</xb:userExportedList>
</xb:userExportedFineFees>
</xb:xml-fragment>
"""
USER = """<xb:userExportedFineFeesList>
<xb:user>
<xb:type>{id_type}</xb:type>
<xb:value>{user}</xb:value>
<xb:owneredEntity>
<xb:InstitutionId>{institution}</xb:InstitutionId>
</xb:owneredEntity>
</xb:user>
<xb:patronName>Nobody, Number {number}</xb:patronName>
<xb:finefeeList>
"""
END_OF_USER = """</xb:finefeeList>
</xb:userExportedFineFeesList>
"""
FEE = f"""<xb:userFineFee>
<xb:fineFeeComment/>
<xb:fineFeeType>{{kind}}</xb:fineFeeType>
<xb:owneredEntity>
<xb:InstitutionId>{INSTITUTION}</xb:InstitutionId>{{library}}
</xb:owneredEntity>
<xb:lastTransactionDate>{{date}}</xb:lastTransactionDate>
{{item}}<xb:compositeSum>
<xb:currency>USD</xb:currency>
<xb:sum>{{amount}}</xb:sum>
<xb:vat {NIL}
</xb:compositeSum>
<xb:bursarTransactionId>{{fee}}</xb:bursarTransactionId>
</xb:userFineFee>
"""
LIBRARY = f"""
<xb:libraryId>16168607000{INSTITUTION}</xb:libraryId>
<xb:libraryCode>{{code}}</xb:libraryCode>"""
ITEM = f"""<xb:itemTitle>{{title}}</xb:itemTitle>
<xb:itemCallNumebr>{{call}}</xb:itemCallNumebr>
<xb:itemLibrary>Main Library</xb:itemLibrary>
<xb:itemLocation>Stacks</xb:itemLocation>
<xb:itemInternalLocation>Stacks</xb:itemInternalLocation>
<xb:itemDueDate {NIL}
<xb:itemBarcode>{{barcode}}</xb:itemBarcode>
"""
NO_ITEM = "<xb:itemTitle/>\n"


def export(fees: int, seed: int = 0) -> Iterator[str]:
    """Yield the export in pieces, one per user; ``fees`` fees in all."""
    chance = random.Random(seed)
    yield HEAD
    done = user = 0
    while done < fees:
        user += 1
        mine = min(chance.choice(FEES_OF_A_USER), fees - done)
        yield _user(chance, user) + "".join(_fee(chance, done + each) for each in range(mine)) + END_OF_USER
        done += mine
    yield TAIL


def _user(chance: random.Random, number: int) -> str:
    if chance.random() < 0.5:
        return USER.format(id_type="02", user=f"{number:09d}", institution=INSTITUTION, number=number)
    return USER.format(id_type="userName", user=f"nobody{number}", institution="null", number=number)


def _fee(chance: random.Random, number: int) -> str:
    kind = chance.choice(TYPES)
    amount = chance.choice(SUMS)
    hour, minute = divmod(number % 1440, 60)
    return FEE.format(
        kind=kind,
        library="" if number % 20 == 0 else LIBRARY.format(code=chance.choice(OWNERS)),
        date=f"{number % 12 + 1:02d}/{number % 28 + 1:02d}/2025 {hour:02d}:{minute:02d}:00"
        + (" EST" * (number % 3 == 0)),
        item=NO_ITEM if number % 20 == 0 else _item(chance, number),
        amount=f"-{amount}" if kind == "CREDIT" else amount,
        fee=f"{1_000_000_000 + number}000{INSTITUTION}",
    )


def _item(chance: random.Random, number: int) -> str:
    title = f"{chance.choice(FORMS)} {chance.choice(SUBJECTS)} : {chance.choice(SOUVENIRS)} /"
    return ITEM.format(title=title, call=f"QK{number % 9000}.C11 S64 1977", barcode=f"{39_000_000_000_000 + number}")


def write(path: Path, fees: int, seed: int = 0) -> None:
    """Write the export to ``path``, about a MiB at a time."""
    with path.open("w", encoding="utf-8", newline="\n", buffering=BLOCK) as stream:
        stream.writelines(export(fees, seed))


def main() -> None:
    """Write an export as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__.partition("\n")[0])
    parser.add_argument("fees", type=int, help="how many fees")
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes another file")
    chosen = parser.parse_args()
    write(chosen.out, chosen.fees, chosen.seed)


if __name__ == "__main__":
    main()
