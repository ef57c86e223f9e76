"""The data of Dawid & Skene 1979, table 1: 45 patients graded 1–4 for fitness by five anaesthetists, the first of them three times."""

# One row a patient: the three grades of observer 1, then one each of observers 2 to 5.
GRADES = [
    "1111111",
    "3334334",
    "1122122",
    "2223121",
    "2223222",
    "2223322",
    "1222111",
    "3333433",
    "2222223",
    "2322223",
    "4444444",
    "2223343",
    "1111111",
    "2223212",
    "1211111",
    "1112111",
    "1111111",
    "1111111",
    "2222221",
    "2221322",
    "2222222",
    "2222221",
    "2223222",
    "2212222",
    "1111111",
    "1111111",
    "2322222",
    "1111111",
    "1111111",
    "1121121",
    "1111111",
    "3333233",
    "1111111",
    "2222222",
    "2223232",
    "4334343",
    "2212232",
    "2323233",
    "3333432",
    "1111111",
    "1111111",
    "1212111",
    "2322222",
    "1211111",
    "2222222",
]


def observations() -> tuple[list[int], list[int], list[int]]:
    """(patient, observer, grade) of all 315 gradings, patients and observers from 1."""
    rows = [(i, max(place - 2, 1), int(grade)) for i, grades in enumerate(GRADES, 1) for place, grade in enumerate(grades, 1)]
    patients, observers, grades = zip(*((i, o, g) for i, o, g in rows), strict=True)
    return list(patients), list(observers), list(grades)
