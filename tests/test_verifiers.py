"""verify.py says of an honest pack that it is, and of a spoilt one what is wrong, with nothing but Python itself."""

from __future__ import annotations

import ast
import base64
import json
import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from conftest import fresh_database
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packs import KEY, listed, log, make, one_case, relined, whole, witness_key, zipped
from spoilt_files import SPOILT, broken_archives
from verifying import PAGE, VERIFY, codes, real_packs, verify

from grantflow.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from packs import Files
    from spoilt import Spoilt

BROKEN = broken_archives()
ORDER = 2**252 + 27742317777372353535851937790883648493
WHOLE, CASE = whole(), one_case()
PACKS = {"a call": WHOLE, "a case": CASE}
quick = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run(pack: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """verify.py as somebody runs it who has nothing of ours."""
    command = [sys.executable, "-I", "-S", str(VERIFY), str(pack), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("files", [WHOLE, CASE], ids=["a call", "a case"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_an_honest_pack_is_accepted(tmp_path: Path, files: Files, method: int) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(zipped(files, method))
    done = run(pack, "--key", KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "HONEST" in done.stdout
    assert "36 events" in done.stdout
    assert "compare this key" not in done.stdout


def test_a_pack_that_vouches_for_its_own_key_is_told_of(tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(zipped(WHOLE))
    done = run(pack)
    assert done.returncode == 0
    assert "no pack can vouch for its key: compare this key with one you got elsewhere" in done.stdout


def test_packs_of_a_year_that_was_lived_are_accepted_whatever_is_left_out(
    server: str, template: str, tmp_path: Path
) -> None:
    with fresh_database(server, template) as address, Store(address) as store:
        real = real_packs(store, tmp_path)
    found = {what: codes(pack, (real.key,)) for what, pack in real.packs.items()}
    assert not any(found.values()), found


def test_keys_come_from_files_too_and_witnesses_are_shown(tmp_path: Path) -> None:
    pack, keys = tmp_path / "pack.zip", tmp_path / "keys.txt"
    pack.write_bytes(zipped(WHOLE))
    keys.write_text(f"{KEY}\n{witness_key()}\n", encoding="utf-8")
    told = json.loads(run(pack, "--keys", str(keys), "--json").stdout)
    assert told["verdict"] == "honest"
    assert [one["good"] for one in told["found"]["signatures"]] == [True, True]
    assert "a witness at 2023-11-14T22:13:20Z" in run(pack, "--keys", str(keys)).stdout


@pytest.mark.parametrize("size", range(1, 12))
def test_a_log_of_any_size_is_put_together(size: int) -> None:
    of = log.__wrapped__(1, 0)
    for number in range(size):
        of.add(f"other {number % 3}", "frame-adjusted@2", {"limit_ore": number})
    assert codes(zipped(make(of, ["call", "case 0"], {"call": "bygg-2023"}))) == set()


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: spoilt.what)
def test_a_spoilt_pack_is_rejected_and_it_says_why(tmp_path: Path, spoilt: Spoilt) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(spoilt.pack())
    keys = [argument for key in spoilt.keys for argument in ("--key", key)]
    done = run(pack, *keys, "--json")
    told = json.loads(done.stdout)
    found = {one["code"] for one in told["faults"]} if "faults" in told else {told["code"]}
    assert done.stderr == ""
    assert done.returncode == (2 if told["verdict"] == "unreadable" else 3)
    assert spoilt.code in found, told


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_archive_is_rejected(tmp_path: Path, what: str) -> None:
    code, content = BROKEN[what]
    pack = tmp_path / "pack.zip"
    pack.write_bytes(content)
    done = run(pack, "--key", KEY)
    assert code in codes(content)
    assert done.stderr == ""
    assert done.returncode in (2, 3)


def test_a_fault_names_its_event(tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(next(one for one in SPOILT if one.what == "an amount changed").pack())
    told = run(pack, "--key", KEY).stdout
    assert "NOT HONEST: 2 faults" in told
    assert "event 11, 058e8279-49e8-56ef-9385-4025ec86aa77.2, section-edited@1: the event's text" in told


def test_what_a_pack_says_steers_no_terminal(tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(zipped(WHOLE | {"answers/\u202e/\u009b2J": b""}))
    told = run(pack).stdout
    assert "\\u202e/\\x9b2J" in told
    assert told.replace("\n", "").isprintable()


def test_what_a_pack_says_makes_no_line_of_the_report(tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    spoil = relined(lambda lines: lines[5].update(version=9, topic="x\nHONEST: every event"))
    pack.write_bytes(zipped(listed(spoil(WHOLE))))
    told = run(pack, "--key", KEY).stdout
    assert "\\nHONEST: every event" in told
    assert "\nHONEST" not in told


def test_wrong_use_is_told_of(tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(zipped(WHOLE))
    for arguments in (["--key", "nothing"], ["--keys", "nowhere"], ["--key", KEY.replace("+1c", "+1d")]):
        done = run(pack, *arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    assert run(tmp_path / "nothing.zip").returncode == 2


@quick
@given(st.data())
def test_one_byte_changed_in_any_file_is_found(data: st.DataObject) -> None:
    files = PACKS[data.draw(st.sampled_from(sorted(PACKS)))]
    name = data.draw(st.sampled_from(sorted(name for name in files if name != "pack.json" and files[name])))
    content = bytearray(files[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert "file-changed" in codes(zipped(files | {name: bytes(content)}))


@quick
@given(st.data())
def test_one_byte_changed_in_what_proves_is_found_even_when_it_is_listed_anew(data: st.DataObject) -> None:
    files = PACKS[data.draw(st.sampled_from(sorted(PACKS)))]
    proves = ("events", "tree", "checkpoint", "definitions", "documents")
    name = data.draw(st.sampled_from(sorted(name for name in files if name.startswith(proves))))
    content = bytearray(files[name])
    # A witness that nobody knows counts for nothing, so what stands from its line on may be anything.
    end = content.index("— witness".encode()) if name == "checkpoint.txt" else len(content)
    content[data.draw(st.integers(0, end - 1))] ^= data.draw(st.integers(1, 255))
    # A space within a line may become a tab: that is another spelling of the same event.
    found = codes(zipped(listed(files | {name: bytes(content)})))
    assert found or same_value(files[name], bytes(content))


def same_value(one: bytes, other: bytes) -> bool:
    """Whether two files of JSON lines say the same, spelled in another way."""
    try:
        first, second = ([json.loads(line) for line in text.split(b"\n") if line] for text in (one, other))
    except ValueError:
        return False
    return first == second


@quick
@given(st.data())
def test_one_byte_changed_within_the_archive_is_found(data: st.DataObject) -> None:
    pack = bytearray(zipped(WHOLE, zipfile.ZIP_STORED))
    name = data.draw(st.sampled_from(sorted(name for name in WHOLE if WHOLE[name])))
    start = pack.index(WHOLE[name], pack.index(name.encode()))
    pack[start + data.draw(st.integers(0, len(WHOLE[name]) - 1))] ^= data.draw(st.integers(1, 255))
    assert codes(bytes(pack))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def replaced(value: Any, data: st.DataObject) -> Any:
    """A value with something in it put in another's place."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return value | {key: replaced(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], replaced(value[at], data), *value[at + 1 :]]
    return data.draw(JSON)


@quick
@given(st.data())
def test_whatever_stands_in_a_pack_it_is_judged_and_nothing_falls_over(data: st.DataObject) -> None:
    files = PACKS[data.draw(st.sampled_from(sorted(PACKS)))]
    name = data.draw(st.sampled_from(["pack.json", "tree.json", "events.jsonl"]))
    if name == "events.jsonl":
        lines = [json.loads(line) for line in files[name].split(b"\n")[:-1]]
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at] = replaced(lines[at], data)
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    else:
        content = json.dumps(replaced(json.loads(files[name]), data)).encode()
    found = verify_text(zipped(files | {name: content}))
    assert found


def verify_text(pack: bytes) -> str:
    """The report on a pack, or why there is none."""
    try:
        return str(verify.report(verify.verify(BytesIO(pack), []), 20))
    except verify.Unreadable as error:
        return str(verify.UNREADABLE[error.code].format(**error.more))


@quick
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 767), st.booleans())
def test_signatures_are_judged_as_others_judge_them(seed: bytes, text: bytes, bit: int, spoil: bool) -> None:  # noqa: FBT001
    private = Ed25519PrivateKey.from_private_bytes(seed)
    given_ = bytearray(private.public_key().public_bytes_raw() + private.sign(text))
    if spoil:
        given_[bit // 8] ^= 1 << bit % 8
    public, signature = bytes(given_[:32]), bytes(given_[32:])
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
        good = True
    except (InvalidSignature, ValueError):
        good = False
    assert verify.signed(public, text, signature) is good
    assert good is not spoil


def test_a_signature_has_one_spelling_and_a_point_is_on_the_curve() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"text")
    scalar = int.from_bytes(signature[32:], "little")
    assert verify.signed(public, b"text", signature)
    assert not verify.signed(public, b"text", signature[:32] + (scalar + ORDER).to_bytes(32, "little"))
    assert not verify.signed(public, b"text", signature[:-1])
    assert not verify.signed(public[:-1], b"text", signature)
    off_the_curve = [number.to_bytes(32, "little") for number in (2, 2**255 - 19 + 3, 2**255 + 1)]
    for point in off_the_curve:
        with pytest.raises(ValueError, match="no point"):
            verify.point_of(point)
        assert not verify.signed(point, b"text", signature)
        assert not verify.signed(public, b"text", point + signature[32:])


def test_verify_py_is_one_file_that_old_pythons_read_and_that_imports_only_python() -> None:
    tree = ast.parse(VERIFY.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names
    assert imported.isdisjoint({"subprocess", "socket", "urllib", "os", "shutil", "importlib"})


def test_a_key_is_read_only_in_its_one_spelling() -> None:
    name, told, raw = KEY.split("+", 2)
    assert str(verify.key_of(f" {KEY}\n")) == KEY
    bad = base64.b64encode(b"\x02" + base64.b64decode(raw)[1:]).decode()
    for text in (
        name,
        f"{name}+{told}",
        f"{name}+{told.upper()}+{raw}",
        f"{name}+{told}+{bad}",
        f"x+{told}+{raw}",
        "",
    ):
        with pytest.raises(ValueError, match=r"."):
            verify.key_of(text)


def test_the_page_is_one_file_with_a_policy_that_names_its_script_and_style() -> None:
    html = PAGE.read_text(encoding="utf-8")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert found
    policy = found[1]
    for tag in ("script", "style"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert text
        digest = base64.b64encode(sha256(text[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy, f"the policy should name {digest} for the {tag}"
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|fetch\(|XMLHttp", html
    )
    assert not re.search(r"""(?:src|href|url|import)\s*[=(]\s*["']?(?:https?:|//)""", html)
