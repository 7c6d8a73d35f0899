"""Which of tonight's new charges may be a debt that was sent, or is about to be, under another name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.reopened import person

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

DAYS = 60
"""So long ago a charge may have been sent for a new one to be taken for the same debt."""

ALIKE = ["source", "fee_id", "amount_cents", "barcode", "fee_type"]
WHOSE = ["patron_id", "bursar_id"]
SAID = ["fee_id", "fee_date", "amount_cents", "fee_id_then", "source_then", "when"]


def twins(frame: pd.DataFrame, judged: pd.Series[bool], recent: pd.DataFrame, today: date) -> pd.Series[str]:
    """Name, for each charge, the newest one under another id that may be the same debt; "" where there is none.

    It is the same person's if the source gives the same id, or if the bursar is told the same one.  It was sent in the
    last days, or is one of tonight's from another source: of those the first, by source and fee id, is the one that
    others look like.
    """
    import pandas as pd

    ours = _with_person(frame.loc[judged, [*ALIKE, "fee_date", *WHOSE]])
    pairs = _of_one_person(ours.reset_index(), _candidates(frame, recent, today))
    same_source = pairs["source"] == pairs["source_then"]
    sent = (pairs["sent_on"] != TONIGHT) & ~(same_source & (pairs["fee_id"] == pairs["fee_id_then"]))
    before = (pairs["sent_on"] == TONIGHT) & (pairs["source_then"] < pairs["source"])
    both = (pairs["barcode"] != "") & (pairs["barcode_then"] != "")
    same = (pairs["barcode"] == pairs["barcode_then"]).where(both, pairs["fee_type"] == pairs["fee_type_then"])
    alike = pairs[(sent | before) & same].sort_values(["index", "sent_on", "fee_id_then"])
    last = alike.drop_duplicates("index", keep="last")
    words = {int(place): _words(*said) for place, *said in last[["index", *SAID]].itertuples(index=False)}
    return pd.Series([words.get(place, "") for place in frame.index], index=frame.index, dtype="str")


TONIGHT = "tonight"
"""Stands after every date."""


def _candidates(frame: pd.DataFrame, recent: pd.DataFrame, today: date) -> pd.DataFrame:
    """The charges that others may look like: those sent in the last days, and tonight's if several sources speak.

    A debt that was raised or lowered since looks like what was sent first, and like what is billed of it now.
    """
    import pandas as pd

    first_day = (today - timedelta(days=DAYS)).isoformat()
    sent = recent.loc[recent["sent_on"] >= first_day, [*ALIKE, *WHOSE, "billed_cents", "sent_on"]]
    moved = sent[(sent["billed_cents"] != sent["amount_cents"]) & (sent["billed_cents"] > 0)]
    both = pd.concat([sent, moved.assign(amount_cents=moved["billed_cents"])], ignore_index=True)
    known = _with_person(both.drop(columns="billed_cents").assign(when="sent on " + both["sent_on"]))
    new = frame[(frame["kind"] == "charge") & (frame["movement"] == 1)]
    if len(new["source"].unique()) <= 1:
        return known
    tonight = _with_person(new[[*ALIKE, *WHOSE]].assign(sent_on=TONIGHT, when="which is new tonight too"))
    return pd.concat([known, tonight], ignore_index=True)


def _of_one_person(ours: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Pair charges of one amount whose persons are the same to the source, or to the bursar."""
    import pandas as pd

    every = ours.merge(known.drop(columns="told"), on=["person", "amount_cents"], suffixes=("", "_then"))
    if (ours["told"] == ours["person"]).all() and (known["told"] == known["person"]).all():
        return every
    named = known[known["told"] != ""].drop(columns="person")
    told = ours.merge(named, on=["told", "amount_cents"], suffixes=("", "_then"))
    both = pd.concat([every, told], ignore_index=True) if len(told) else every
    return both.drop_duplicates(["index", "source_then", "fee_id_then", "sent_on"], ignore_index=True)


def _with_person(rows: pd.DataFrame) -> pd.DataFrame:
    """Say who everybody is to the source, and to the bursar."""
    import pandas as pd

    names = {"person": "patron_id", "told": "bursar_id"}
    folded = {name: [person(one) for one in rows[column].tolist()] for name, column in names.items()}
    whose = {name: pd.Series(ids, index=rows.index, dtype="str") for name, ids in folded.items()}
    return rows.drop(columns=WHOSE).assign(**whose)


def _words(fee: str, day: str, amount: int, then: str, source: str, when: str) -> str:
    worth = dollars(int(amount))
    return f"fee {fee} of {day}, {worth}, looks like fee {then} of {source}, {worth}, {when}"


def taken(frame: pd.DataFrame, first: pd.Series[bool], recent: pd.DataFrame, elsewhere: pd.DataFrame) -> pd.Series[str]:
    """Say of each first charge whose reference or fee id it would bear a second time; "" where both are free.

    A fee id is taken at whatever system: two sources that say one fee do not make it two debts.  Those who have it are
    charges that were sent, fees of other sources in the ledger, and those of tonight's charges that stand first by the
    name of their source.
    """
    import pandas as pd

    new = frame.loc[first, ["system", "reference", "source", "fee_id"]]
    ids = {**_owners(recent, "fee_id"), **_owners(elsewhere, "fee_id")}
    known = {**_owners(recent, "reference"), **ids}
    if len(new["source"].unique()) > 1:
        tonight = new.sort_values("source", ascending=False)
        ids, known = {**_owners(tonight, "fee_id"), **ids}, {**_owners(tonight, "reference"), **known}
    at = {fee: (system, source) for (system, fee), source in ids.items() if system}
    words = dict.fromkeys(frame.index, "")
    for place, system, name, source, fee in zip(new.index, *(new[one].tolist() for one in new.columns), strict=True):
        where, owner = system, known.get((system, name), source)
        if owner == source:
            where, owner = at.get(fee, (system, source))
        if owner != source:
            what = name if where == system else fee
            words[place] = (
                f"source {owner} has {what} at {where} too: leave it out of one of the two, and reject this one"
            )
    return pd.Series(words, index=frame.index, dtype="str")


def _owners(rows: pd.DataFrame, name: str) -> dict[tuple[str, str], str]:
    """Which source a reference at a system belongs to; of several the last one stands."""
    names = zip(rows["system"].tolist(), rows[name].tolist(), strict=True)
    return dict(zip(names, rows["source"].tolist(), strict=True))
