"""What the columns of public tables mean: their features, and the values of each category."""

from bench.datasets.io.tables import Schema


def _values(**named: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Categories by name, each with its values in one text."""
    return tuple((n.replace("_", "-"), tuple(v.split())) for n, v in named.items())


#: Values in the order of how often they are met; "?" is what somebody did not say.
ADULT = Schema(
    ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week"),
    _values(
        workclass="Private Self-emp-not-inc Local-gov ? State-gov Self-emp-inc Federal-gov "
        "Without-pay Never-worked",
        education="HS-grad Some-college Bachelors Masters Assoc-voc 11th Assoc-acdm 10th 7th-8th "
        "Prof-school 9th 12th Doctorate 5th-6th 1st-4th Preschool",
        marital_status="Married-civ-spouse Never-married Divorced Separated Widowed "
        "Married-spouse-absent Married-AF-spouse",
        occupation="Prof-specialty Craft-repair Exec-managerial Adm-clerical Sales Other-service "
        "Machine-op-inspct ? Transport-moving Handlers-cleaners Farming-fishing Tech-support "
        "Protective-serv Priv-house-serv Armed-Forces",
        relationship="Husband Not-in-family Own-child Unmarried Wife Other-relative",
        race="White Black Asian-Pac-Islander Amer-Indian-Eskimo Other",
        sex="Male Female",
        native_country="United-States Mexico ? Philippines Germany Puerto-Rico Canada El-Salvador "
        "India Cuba England China South Jamaica Italy Dominican-Republic Japan Guatemala Poland "
        "Vietnam Columbia Haiti Portugal Taiwan Iran Greece Nicaragua Peru Ecuador France Ireland "
        "Thailand Hong Cambodia Trinadad&Tobago Laos Yugoslavia Outlying-US(Guam-USVI-etc) "
        "Scotland Honduras Hungary Holand-Netherlands",
    ),
)
#: The columns of the files without a header, in their order.
ADULT_RAW = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)

COMPAS = Schema(
    ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"),
    (
        ("sex", ("Male", "Female")),
        (
            "race",
            ("African-American", "Caucasian", "Hispanic", "Other", "Asian", "Native American"),
        ),
        ("c_charge_degree", ("F", "M")),
        ("age_cat", ("Less than 25", "25 - 45", "Greater than 45")),
    ),
)

#: What the codes A11, A12, ... of each feature mean, in their order.
GERMAN_NAMES = {
    "status": "below-0 0-to-200 above-200 no-account",
    "credit_history": "none-taken all-paid-here paid-till-now delayed critical",
    "purpose": "new-car used-car furniture television appliances repairs education vacation "
    "retraining business others",
    "savings": "below-100 100-to-500 500-to-1000 above-1000 unknown",
    "employment": "unemployed below-1-year 1-to-4-years 4-to-7-years above-7-years",
    "personal_status_sex": "male-divorced female-not-single male-single male-married "
    "female-single",
    "other_debtors": "none co-applicant guarantor",
    "property": "real-estate savings-or-insurance car-or-other unknown",
    "other_plans": "bank stores none",
    "housing": "rent own for-free",
    "job": "unskilled-non-resident unskilled-resident skilled management",
    "telephone": "none yes",
    "foreign_worker": "yes no",
}
#: Where the codes of a feature begin; those of credit history and purpose begin at zero.
GERMAN_FIRST = {
    "status": "A11",
    "credit_history": "A30",
    "purpose": "A40",
    "savings": "A61",
    "employment": "A71",
    "personal_status_sex": "A91",
    "other_debtors": "A101",
    "property": "A121",
    "other_plans": "A141",
    "housing": "A151",
    "job": "A171",
    "telephone": "A191",
    "foreign_worker": "A201",
}
GERMAN = Schema(
    ("duration", "amount", "installment_rate", "residence", "age", "n_credits", "n_liable"),
    tuple((name, tuple(values.split())) for name, values in GERMAN_NAMES.items()),
)
GERMAN_RAW = (
    "status",
    "duration",
    "credit_history",
    "purpose",
    "amount",
    "savings",
    "employment",
    "installment_rate",
    "personal_status_sex",
    "other_debtors",
    "residence",
    "property",
    "age",
    "other_plans",
    "housing",
    "n_credits",
    "job",
    "n_liable",
    "telephone",
    "foreign_worker",
    "credit_risk",
)


def german_codes(name: str) -> dict[str, str]:
    """What each code of a feature means.

    Example:
        >>> german_codes("housing")
        {'A151': 'rent', 'A152': 'own', 'A153': 'for-free'}
        >>> german_codes("purpose")["A410"]
        'others'
    """
    first, stem = int(GERMAN_FIRST[name][-1]), GERMAN_FIRST[name][:-1]
    return {f"{stem}{first + i}": value for i, value in enumerate(GERMAN_NAMES[name].split())}


CREDIT = Schema(
    (
        "LIMIT_BAL",
        "AGE",
        "PAY_0",
        *(f"PAY_{k}" for k in range(2, 7)),
        *(f"BILL_AMT{k}" for k in range(1, 7)),
        *(f"PAY_AMT{k}" for k in range(1, 7)),
    ),
    (
        ("SEX", ("male", "female")),
        (
            "EDUCATION",
            (
                "code-0",
                "graduate-school",
                "university",
                "high-school",
                "others",
                "code-5",
                "code-6",
            ),
        ),
        ("MARRIAGE", ("code-0", "married", "single", "others")),
    ),
)

LAW = Schema(
    ("LSAT", "UGPA"),
    (
        (
            "race",
            (
                "White",
                "Black",
                "Asian",
                "Hispanic",
                "Mexican",
                "Other",
                "Puertorican",
                "Amerindian",
            ),
        ),
        ("sex", ("1", "2")),
    ),
)
