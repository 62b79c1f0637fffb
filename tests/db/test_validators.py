"""Validators: what each takes and refuses, to the last character, in time linear in its input."""

import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from undercroft import validators
from undercroft.errors import NON_FIELD_ERRORS, ValidationError

Validate = Callable[[Any], object]

URL = validators.URLValidator()
DIGITS = validators.RegexValidator(r"^\d+$")


@pytest.mark.parametrize(
    "validate, value",
    [
        (validators.validate_email, "ada@example.org"),
        (validators.validate_email, "a.b+c@sub.example.co.uk"),
        (validators.validate_email, "jörg@bücher.example"),
        (validators.EmailValidator(allowlist=["localhost"]), "root@localhost"),
        (URL, "https://example.org"),
        (URL, "http://localhost:8000/a?b=c#d"),
        (URL, "https://user:secret@example.org/"),
        (URL, "http://192.0.2.1/"),
        (URL, "http://[2001:db8::1]:80/"),
        (URL, "ftp://bücher.example/ö"),
        (validators.URLValidator(schemes=["git"]), "git://example.org/x"),
        (validators.validate_slug, "a-b_C9"),
        (validators.validate_unicode_slug, "straße-9"),
        (validators.validate_ipv4_address, "192.0.2.1"),
        (validators.validate_ipv6_address, "2001:db8::1"),
        (validators.validate_ipv46_address, "::ffff:192.0.2.1"),
        (DIGITS, "12"),
        (validators.RegexValidator(r"^\d+\n\Z"), "12\n"),
        (validators.RegexValidator("b"), "abc\n"),
        (validators.RegexValidator(r"^a", flags=re.IGNORECASE), "Abc"),
        (validators.RegexValidator("x", inverse_match=True), "abc"),
        (validators.MinValueValidator(3), 3),
        (validators.MaxValueValidator(Decimal("1.5")), 1.5),
        (validators.MinLengthValidator(2), "ab"),
        (validators.MaxLengthValidator(2), [1, 2]),
        (validators.StepValueValidator(Decimal("0.1")), 0.3),
        (validators.StepValueValidator(3, offset=1), 7),
        (validators.DecimalValidator(5, 2), Decimal("123.45")),
        (validators.DecimalValidator(3, 2), Decimal("1E+0")),
        (validators.DecimalValidator(None, None), Decimal("1E-9")),
        (validators.ProhibitNullCharactersValidator(), "abc"),
    ],
)
def test_what_fits_is_taken(validate: Validate, value: Any) -> None:
    """A validator says nothing of what is right."""
    validate(value)


@pytest.mark.parametrize(
    "validate, value, code",
    [
        *((validators.validate_email, each, "email") for each in [
            "ada", "ada@", "@example.org", "ada@example", "a b@example.org", "ada@example.org\n",
            "ada@-example.org", "ada@example-.org", "ada@example..org", f"{'a' * 65}@example.org",
            "ada@1.2.3.4", "a..b@c.de", "ada@" + "a" * 64 + ".org", "ada@exa_mple.org", "",
            "root@localhost", "a@" + ".".join(["a" * 60] * 5) + ".org", "ada@ex\u2028ample.org",
            "ada@example.org\x00", "ada@[192.0.2.1]", '"a b"@example.org', 5,
        ]),
        *((URL, each, "url") for each in [
            "", "example.org", "https://", "javascript:alert(1)", "https://exa mple.org",
            "https://example.org/\n", "https://example.org\\@evil.example", "https://-a.example",
            "https://[::1", "https://[192.0.2.1]/", "https://[::1%eth0]/", "https://1.2.3",
            "https://256.1.1.1", "https://192.168.01.1", "https://example.org:99999/",
            "https://example.org/<b>", "https://a..b", "data:text/html,x", "//example.org",
            "https://" + "a" * 64 + ".org", "https://example.org/" + "a" * 2048, "h\tttps://a.b", 5,
        ]),
        *((validators.validate_slug, each, "slug") for each in ["", "a b", "a\n", "ä", "a/b"]),
        *((validators.validate_unicode_slug, each, "slug") for each in ["", "a b", "ä\n"]),
        *((validators.validate_ipv4_address, each, "ip_address") for each in [
            "", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1\n", "::1", "1.2.3.4 ", "٣.1.1.1",
            "1" * 100,
        ]),
        *((validators.validate_ipv6_address, each, "ip_address") for each in [
            "", ":::", "1::2::3", "12345::", "::1%lo", "::1\n", "192.0.2.1", "::ffff:192.0.2.01",
            ":" * 100,
        ]),
        (validators.validate_ipv46_address, "x", "ip_address"),
        (DIGITS, "12\n", "invalid"),
        (DIGITS, "\n", "invalid"),
        (validators.RegexValidator(re.compile(r"^a$|^b$"), code="letter"), "a\n", "letter"),
        (validators.RegexValidator("^x$", inverse_match=True), "x\n", "invalid"),
        (validators.MinValueValidator(3), 2, "min_value"),
        (validators.MinValueValidator(lambda: 3), 2, "min_value"),
        (validators.MinValueValidator(3), float("nan"), "min_value"),
        (validators.MaxValueValidator(3), 4, "max_value"),
        (validators.MinLengthValidator(2), "a", "min_length"),
        (validators.MaxLengthValidator(2), "abc", "max_length"),
        (validators.StepValueValidator(3), 4, "step_size"),
        (validators.StepValueValidator(3), Decimal("1e1000000"), "step_size"),
        (validators.StepValueValidator(0.5), "inf", "step_size"),
        (validators.DecimalValidator(5, 2), Decimal("1.234"), "max_decimal_places"),
        (validators.DecimalValidator(5, 2), Decimal("12345.6"), "max_digits"),
        (validators.DecimalValidator(5, 2), Decimal(1234), "max_whole_digits"),
        (validators.DecimalValidator(5, 2), Decimal("1e1000000"), "max_digits"),
        (validators.DecimalValidator(5, 2), Decimal("NaN"), "invalid"),
        (validators.ProhibitNullCharactersValidator(), "a\x00", "null_characters_not_allowed"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(validate: Validate, value: Any, code: str) -> None:
    """The error says which mistake it is."""
    with pytest.raises(ValidationError) as caught:
        validate(value)
    assert caught.value.code == code
    assert caught.value.params.get("value", value) is value
    assert caught.value.messages[0].endswith(".")


def test_messages_are_filled_in() -> None:
    """A message of one's own may name the value and the limit."""
    validate = validators.MaxLengthValidator(2, "%(value)s: %(show_value)s > %(limit_value)s")
    with pytest.raises(ValidationError, match="abc: 3 > 2"):
        validate("abc")
    with pytest.raises(ValidationError, match="100 % sure"):
        raise ValidationError("100 % sure")


def test_validators_compare_by_what_they_check() -> None:
    """Two that check the same are equal, so that a migration or a cache can tell."""
    assert validators.MinValueValidator(1) == validators.MinValueValidator(1)
    assert validators.MinValueValidator(1) != validators.MinValueValidator(2)
    assert validators.MinValueValidator(1) != validators.MaxValueValidator(1)
    assert hash(validators.RegexValidator("x")) == hash(validators.RegexValidator("x"))


HOSTILE: list[tuple[str, Validate, Callable[[int], str]]] = [
    ("email dots", validators.validate_email, lambda n: "a." * n + "@example.org"),
    ("email labels", validators.validate_email, lambda n: "a@" + "a-" * n + ".org"),
    ("email at", validators.validate_email, lambda n: "@" * n),
    ("url labels", URL, lambda n: "https://" + "a." * n),
    ("url hyphens", URL, lambda n: "https://" + "a-" * n),
    ("url user", URL, lambda n: "https://" + ":@" * n),
    ("slug", validators.validate_slug, lambda n: "a-" * n + "!"),
    ("unicode slug", validators.validate_unicode_slug, lambda n: "ä-" * n + "\n"),
    ("ipv4", validators.validate_ipv4_address, lambda n: "1." * n),
    ("ipv6", validators.validate_ipv6_address, lambda n: "1:" * n),
    ("digits", DIGITS, lambda n: "1" * n + "\n"),
    ("null", validators.ProhibitNullCharactersValidator(), lambda n: "a" * n + "\x00"),
]


@pytest.mark.parametrize("name, validate, build", HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_hostile_text_costs_no_more_than_its_length(
    name: str, validate: Validate, build: Callable[[int], str]
) -> None:
    """Two megabytes take no fraction of a second, whatever they consist of."""
    text = build(1_000_000)
    begun = time.thread_time()
    with pytest.raises(ValidationError):
        validate(text)
    assert time.thread_time() - begun < 0.5, name


def test_an_error_has_its_messages_by_field() -> None:
    """Text, lists and dicts of them become the same: messages by field."""
    plain = ValidationError("Wrong.", code="odd")
    assert plain.message_dict == {NON_FIELD_ERRORS: ["Wrong."]}
    assert (plain.code, plain.messages, plain.error_list) == ("odd", ["Wrong."], [plain])
    assert str(plain) == "Wrong. [odd]"
    several = ValidationError(["One.", ValidationError("Two.", code="two")])
    assert several.messages == ["One.", "Two."]
    assert [each.code for each in several.error_list] == ["invalid", "two"]
    nested = ValidationError({"title": "Too short.", "price": [several, "Three."]})
    assert nested.message_dict == {"title": ["Too short."], "price": ["One.", "Two.", "Three."]}
    assert str(nested) == "title: Too short. price: One. price: Two. price: Three. [invalid]"
    assert ValidationError([nested, "General."]).message_dict == {
        **nested.message_dict,
        NON_FIELD_ERRORS: ["General."],
    }
    assert nested.list_problems()[0] == {
        "location": ["body", "title"],
        "message": "Too short.",
        "code": "invalid",
    }
    assert plain.list_problems()[0]["location"] == ["body"]
