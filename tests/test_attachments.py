"""Documents beside the form: which are taken, under which names, and what attaching does to an approval (R22)."""

import base64
import unicodedata
from typing import Any

import pytest
from given import Given, Step
from steps import approved, call_2023, drafted, started, submit, submitted

from grantflow.domain.drafting import ApprovalVoided, Attach, DocumentAttached, DocumentDetached
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound, StepNotAllowed

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + b"\0" * 32
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100") + b"\0" * 32
MOST = call_2023().attachments.max_bytes


def attached(
    content: bytes = PDF, *, filename: str = "budsjett.pdf", media_type: str = "application/pdf"
) -> Step:
    data = {"filename": filename, "media_type": media_type, "content": base64.b64encode(content).decode()}
    return Step("attach", data)


def detached(content: bytes) -> Step:
    digest = Attach(filename="x", media_type="x", content=content).digest
    return Step("detach", {"digest": digest})


def numbered(number: int) -> Step:
    return attached(PDF + str(number).encode(), filename=f"vedlegg {number}.pdf")


@pytest.mark.parametrize(
    ("media_type", "content"), [("application/pdf", PDF), ("image/png", PNG), ("image/jpeg", JPEG)]
)
def test_a_document_of_each_accepted_type_is_kept_by_the_digest_of_its_bytes(
    media_type: str, content: bytes
) -> None:
    case = Given(call_2023(), started()).when(attached(content, media_type=media_type)).then(DocumentAttached)
    kept = case.attachments[0]
    assert (kept.media_type, kept.size, kept.filename) == (media_type, len(content), "budsjett.pdf")
    assert kept.digest == detached(content).data["digest"]


def test_a_document_of_another_type_is_refused_with_the_types_that_are_accepted() -> None:
    refusal = Given(call_2023(), started()).when(attached(media_type="text/html")).refused(NotAllowed)
    assert "application/pdf, image/png, image/jpeg" in refusal.detail


@pytest.mark.parametrize(
    "content", [b"MZ\x90\0" + b"\0" * 60, b"<html><script>alert(1)</script></html>", PNG, b"%", b"\0"]
)
def test_bytes_that_are_not_what_they_claim_to_be_are_refused(content: bytes) -> None:
    Given(call_2023(), started()).when(attached(content)).refused(NotAllowed)


def test_an_empty_document_is_refused() -> None:
    refusal = Given(call_2023(), started()).when(attached(b"")).refused(NotAllowed)
    assert "0 bytes" in refusal.detail


def test_a_document_of_the_largest_size_is_accepted_and_one_byte_more_is_refused() -> None:
    given = Given(call_2023(), started())
    largest = PDF.ljust(MOST, b" ")
    given.when(attached(largest + b" ")).refused(NotAllowed)
    given.when(attached(largest)).then(DocumentAttached)


def test_as_many_documents_as_allowed_are_accepted_and_one_more_is_refused() -> None:
    most = call_2023().attachments.max_count
    given = Given(call_2023(), started(), *(numbered(n) for n in range(most)))
    assert len(given.case.attachments) == most
    given.when(numbered(most)).refused(NotAllowed)


def test_the_same_document_twice_is_refused_also_under_another_name() -> None:
    given = Given(call_2023(), started(), attached())
    given.when(attached(filename="et annet navn.pdf")).refused(NotAllowed)


@pytest.mark.parametrize(
    "filename",
    [
        "", " ", "..", ".", "../../etc/passwd", "..\\system.ini", "a/b.pdf", "c:\\a.pdf", "a\0.pdf", "a\nb.pdf",
        "a\r\nSet-Cookie: x.pdf", "fdp.\u202eexe.pdf", "\u200b.pdf", "x" * 201,
    ],
)  # fmt: skip
def test_a_hostile_filename_is_refused(filename: str) -> None:
    Given(call_2023(), started()).when(attached(filename=filename)).refused(BadRequest)


def test_a_filename_is_kept_in_composed_form_however_a_machine_spells_it() -> None:
    step = attached(filename=unicodedata.normalize("NFD", "Årsplan.pdf"))
    case = Given(call_2023(), started()).when(step).then(DocumentAttached)
    assert case.attachments[0].filename == "Årsplan.pdf"


@pytest.mark.parametrize("filename", ["Øknadsbrev årsplan.pdf", "x" * 200, "budsjett (2).pdf", "...pdf"])
def test_an_ordinary_filename_is_kept_as_it_is(filename: str) -> None:
    case = Given(call_2023(), started()).when(attached(filename=filename)).then(DocumentAttached)
    assert case.attachments[0].filename == filename


@pytest.mark.parametrize("content", ["not base64!", 5, None])
def test_content_that_is_not_base64_is_refused_in_words(content: Any) -> None:
    Given(call_2023(), started()).when(attached().saying(content=content)).refused(BadRequest)


def test_a_document_is_taken_out_by_its_digest_and_the_history_still_has_it() -> None:
    given = Given(call_2023(), started(), attached(), attached(PNG, media_type="image/png"))
    case = given.when(detached(PDF)).then(DocumentDetached)
    assert [document.media_type for document in case.attachments] == ["image/png"]
    assert sum(isinstance(event, DocumentAttached) for event in given.events) == 2


def test_a_document_that_is_not_there_can_not_be_taken_out() -> None:
    Given(call_2023(), started(), attached()).when(detached(PNG)).refused(NotFound)


def test_r22_a_document_attached_after_approval_voids_it() -> None:
    given = Given(call_2023(), *drafted(), approved())
    case = given.when(attached()).then(DocumentAttached, ApprovalVoided)
    assert (case.approval, case.state) == (None, "draft")
    given.when(submit()).refused(StepNotAllowed)


def test_r22_a_document_taken_out_after_approval_voids_it() -> None:
    given = Given(call_2023(), *drafted(), attached(), approved())
    assert given.when(detached(PDF)).then(DocumentDetached, ApprovalVoided).approval is None


def test_r22_what_is_approved_is_the_documents_too() -> None:
    without = Given(call_2023(), *drafted()).case
    beside = Given(call_2023(), *drafted(), attached()).case
    renamed = Given(call_2023(), *drafted(), attached(filename="et annet navn.pdf")).case
    assert len({without.content_digest, beside.content_digest, renamed.content_digest}) == 3


@pytest.mark.parametrize("step", [attached(), detached(PDF)])
def test_r33_no_document_comes_or_goes_after_submission(step: Step) -> None:
    Given(call_2023(), *submitted()).when(step).refused(StepNotAllowed)
