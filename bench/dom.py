"""The plain script a librarian would write: the whole export in memory, one CSV line per fee.

The yardstick for ``bursar preview``: it checks nothing, keeps nothing and knows one layout.
"""

from __future__ import annotations

import csv
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

XB = "{http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans}"


def main(export: str, out: str) -> None:
    """Write user id, name, type, date, title, barcode, id and sum of every fee to a CSV file."""
    root = ET.parse(export).getroot()  # noqa: S314 - the script being measured is a plain one
    with Path(out).open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        for user in root.iter(f"{XB}userExportedFineFeesList"):
            value = user.findtext(f"{XB}user/{XB}value")
            name = user.findtext(f"{XB}patronName")
            for fee in user.iter(f"{XB}userFineFee"):
                rows.writerow(
                    [
                        value,
                        name,
                        fee.findtext(f"{XB}fineFeeType"),
                        fee.findtext(f"{XB}lastTransactionDate"),
                        fee.findtext(f"{XB}itemTitle"),
                        fee.findtext(f"{XB}itemBarcode"),
                        fee.findtext(f"{XB}bursarTransactionId"),
                        fee.findtext(f"{XB}compositeSum/{XB}sum"),
                    ]
                )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
