"""Credentials are hidden in every form in which they travel."""

import base64
import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaml_qiskit.secrets import HIDDEN, SHORTEST, hide, hide_all

TOKEN = "Zk3-q9_LmP0xR7tV2wYbN8cD4eF6gH1jK5sA"
INSTANCE = "crn:v1:bluemix:public:quantum-computing:us-east:a/0123abcd:4567-89ef::"
PASSWORD = "p@ss/wörd+1"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A saved account, and nothing in the environment."""
    for name in list(os.environ):
        if name.startswith("QISKIT_IBM") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".qiskit" / "qiskit-ibm.json"
    file.parent.mkdir()
    proxies = {"urls": {"https": f"http://me:{quote(PASSWORD, safe='')}@proxy:3128"}, "password_ntlm": "ntlm-password"}
    file.write_text(json.dumps({"default": {"token": TOKEN, "instance": INSTANCE, "proxies": proxies}}))
    return file


def basic(secret: str, user: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


FORMS = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "URL-encoded": lambda secret: quote(secret, safe=""),
    "URL-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "every byte URL-encoded": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "escaped JSON": lambda secret: json.dumps(json.dumps(secret))[1:-1],
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "basic authentication, one letter": lambda secret: basic(secret, "a"),
    "basic authentication, two letters": lambda secret: basic(secret, "ab"),
    "basic authentication, three letters": lambda secret: basic(secret, "abc"),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "hexadecimal, upper case": lambda secret: secret.encode().hex().upper(),
}


@pytest.mark.parametrize("secret", [TOKEN, INSTANCE, PASSWORD, "ntlm-password"])
@pytest.mark.parametrize("form", FORMS)
def test_a_saved_account_is_hidden_in_every_form(secret: str, form: str) -> None:
    written = FORMS[form](secret)
    shown = hide(f"refused: {written}, sorry")
    assert shown.startswith("refused: ")
    assert shown.endswith("sorry")
    # Of base64 the first and last character may depend on what stands beside the secret.
    middle = written.strip("=")[4:-4]
    assert middle not in shown
    assert HIDDEN in shown


def test_the_environment_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "from-the-environment")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:proxy-password@proxy")
    assert hide("from-the-environment proxy-password x") == f"{HIDDEN} {HIDDEN} x"


@pytest.mark.parametrize("content", ["", "{", '{"default": {"token": "%s", "instance"', '"token" : "%s"\x00'])
def test_a_damaged_file_of_accounts_still_gives_its_keys(account: Path, content: str) -> None:
    account.write_text(content.replace("%s", TOKEN))
    assert (TOKEN in hide(f"it is {TOKEN}")) == ("%s" not in content)


@pytest.mark.parametrize("secret", ["", "a", "ibm", "auto", "x" * (SHORTEST - 1)])
def test_short_values_hide_nothing(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", secret)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", secret)
    text = "a plain text about ibm, auto and xxxxxxxxxxx"
    assert hide(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijklmnopqrstuvwxyz",
        "apikey abcdefghijklmnopqrstuvwxyz",
        "https://iam/identity?apikey=abcdef",
        '{"access_token": "abcdef"}',
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.abcdef",
        "crn:v1:abcdef",
        "crn%3Av1%3Aabcdef",
        "http://me:abcdef@proxy:3128",
    ],
)
def test_what_looks_like_a_credential_is_hidden_whoever_owns_it(text: str) -> None:
    assert "abcdef" not in hide(text)


def test_plain_words_stay() -> None:
    text = "the bearer of basic authentication; 1 key: 2 tokens of https://quantum.cloud.ibm.com/jobs/d1abc2"
    assert hide(text) == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_of_a_secret_is_left_wherever_it_stands(before: str, after: str) -> None:
    assert "further-secret-of-a-question" not in hide(
        before + "further-secret-of-a-question" + after, ["x", "further-secret-of-a-question"]
    )


def test_nested_values() -> None:
    found = hide_all({TOKEN: [1, None, (f"is {TOKEN}", {"x": 2.5})], "n": True})
    assert found == {HIDDEN: [1, None, (f"is {HIDDEN}", {"x": 2.5})], "n": True}
