"""Deliveries with dirt against references apart from the product, at sizes that put a boundary everywhere.

A failing input is printed small, with its seed. CORETELECOMS_FUZZ_SEED is the first seed; a nightly run may take its
date for one.
"""

import csv
import io
import os
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from jobs.contracts.deliveries import CsvDelivery, JsonDelivery
from jobs.sources.recount_csv import count_csv
from tests.fuzz import csv_inputs, csv_reference, json_inputs, json_reference
from tests.fuzz.landed import Product, contract_of
from tests.fuzz.outcome import Outcome, Sizes
from tests.fuzz.search import Trial

SEED = int(os.environ.get("CORETELECOMS_FUZZ_SEED", "1"))
DIALECTS = {
    "csv": contract_of("csv"),
    "csv;": contract_of("csv", delimiter=";"),
    "csv of tabs": contract_of("csv", delimiter="\t"),
    "csv|windows-1252": contract_of("csv", delimiter="|", encoding="windows-1252"),
    "csv iso-8859-15": contract_of("csv", encoding="iso-8859-15"),
    "csv utf-16-le": contract_of("csv", delimiter="\t", encoding="utf-16-le"),
    "csv'": contract_of("csv", quote="'"),
    "csv unquoted": contract_of("csv", quote=""),
    "csv escaped": contract_of("csv", escape="\\"),
    "csv without a header": contract_of("csv", header=False, escape="\\", comment="#"),
    "csv with comments and a footer": contract_of("csv", comment="#", skip_rows=1, footer=["END"], delimiter=";"),
}
JSON = contract_of("json")
KINDS = [*DIALECTS, "json"]


def trial(kind: str, folder: Path, by_files: bool = False) -> Trial:
    contract = DIALECTS.get(kind, JSON)
    product = Product(contract, folder)
    way = product.landed if by_files else product.in_memory
    if isinstance(contract.delivery, JsonDelivery):
        return Trial(json_inputs.delivery, way, lambda data, sizes: json_reference.outcome(data, JSON, sizes.longest))
    assert isinstance(contract.delivery, CsvDelivery)
    other, is_wide = contract.delivery.delimiter.encode(), contract.delivery.encoding == "utf-16-le"
    quote = contract.delivery.quote.encode() or b'"'
    make = csv_inputs.framed if contract.delivery.footer else csv_inputs.delivery
    swapped = bytes.maketrans(b',"' + other + quote, other + quote + b',"')

    def delivery(choose: Random) -> bytes:
        data = make(choose).translate(swapped)
        return data.decode("utf-8", "surrogateescape").encode("utf-16-le", "surrogatepass") if is_wide else data

    def reference(data: bytes, sizes: Sizes) -> list[Outcome]:
        """Of UTF-16 the same text in UTF-8, which is none where half a pair of surrogates, or of bytes, stands."""
        if not is_wide:
            return [csv_reference.outcome(data, contract, sizes.longest)]
        whole = data[: len(data) // 2 * 2].decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
        same = contract_of("csv", delimiter="\t")
        return [csv_reference.outcome(whole + b"\xff" * (len(data) % 2), same, sizes.longest)]

    return Trial(delivery, way, reference)


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_lands_equal_or_is_rejected_with_its_reason(kind: str, tmp_path: Path) -> None:
    trial(kind, tmp_path).run(SEED, 1000 if kind in ("csv", "json") else 125)


@pytest.mark.parametrize("kind", DIALECTS)
def test_another_reader_counts_as_many_where_none_is_rejected_or_says_that_it_cannot(kind: str, tmp_path: Path) -> None:
    """By Python's csv: it stops at what a rule of ours takes for text."""
    of_kind, contract, choose, counted = trial(kind, tmp_path), DIALECTS[kind], Random(SEED), 0
    assert isinstance(contract.delivery, CsvDelivery)
    encoding = contract.delivery.encoding if contract.delivery.encoding.startswith("utf-16") else "latin-1"
    for _ in range(100):
        data = of_kind.delivery(choose)
        found = of_kind.product(data)
        text = io.TextIOWrapper(io.BytesIO(data), encoding, "surrogatepass", newline="\n")
        if not found.refused and not found.rejected:
            with suppress(csv.Error, UnicodeDecodeError):
                assert count_csv(text, contract.delivery) == len(found.rows), data
                counted += 1
    assert counted > 6


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_so_it_stands_in_the_files_of_a_landing(kind: str, tmp_path: Path) -> None:
    trial(kind, tmp_path, by_files=True).run(SEED + 1, 100)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_record_of_many_deliveries_does(kind: str, tmp_path: Path) -> None:
    """Dialects differ in a byte and a codec: a twentieth of the inputs."""
    trial(kind, tmp_path).run(SEED + 2, 50_000 if kind in ("csv", "json") else 2_500)
