"""Signed notes, the log's key and checkpoints: the published examples, and everything that is none."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from intake.audit.note import Checkpoint, LogKey, Verifier, split_note
from intake.errors import Damaged, DomainError, Invalid

# The example of the first implementation (Go's golang.org/x/mod/sumdb/note), with its private key.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = (
    f"{TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of c2sp.org/tlog-checkpoint.
BEHIND_THE_SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
BEHIND_SIGNATURE = (
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


@pytest.fixture
def key() -> LogKey:
    return LogKey.from_seed("clinic.example/log/1", bytes(range(32)))


def refused(code: str, note: str, verifier: Verifier) -> bool:
    with pytest.raises(DomainError) as refusal:
        verifier.open(note)
    return refusal.value.code == code


def test_the_example_of_signed_notes_is_made_and_opened_byte_for_byte() -> None:
    key = LogKey.parse(PETER_PRIVATE)
    assert key.sign(TEXT) == SIGNED
    assert str(key.verifier) == PETER and key.encoded == PETER_PRIVATE
    assert Verifier.parse(PETER).open(SIGNED) == TEXT


def test_the_example_of_checkpoints_says_what_it_says() -> None:
    text, signatures = split_note(f"{BEHIND_THE_SOFA}\n{BEHIND_SIGNATURE}")
    found = Checkpoint.parse(text)
    assert (found.origin, found.size, found.text) == ("example.com/behind-the-sofa", 20852163, BEHIND_THE_SOFA)
    assert [name for name, _ in signatures] == [found.origin]


@given(some.data())
def test_no_part_and_no_changed_letter_of_a_verifier_key_is_one(data: some.DataObject) -> None:
    at = data.draw(some.integers(0, len(PETER) - 1))
    other = data.draw(some.characters(min_codepoint=33, max_codepoint=126).filter(lambda letter: letter != PETER[at]))
    for wrong in (PETER[:at], PETER[at + 1 :], PETER[:at] + other + PETER[at + 1 :]):
        with pytest.raises(Invalid, match=r"audit\.not_a_vkey"):
            Verifier.parse(wrong)
        with pytest.raises(Invalid, match=r"audit\.not_a_key"):
            LogKey.parse(wrong)


@given(some.data())
def test_no_changed_letter_of_a_note_is_signed(data: some.DataObject) -> None:
    at = data.draw(some.integers(0, len(SIGNED) - 1))
    letter = data.draw(some.characters(codec="utf-8").filter(lambda letter: letter != SIGNED[at]))
    with pytest.raises(DomainError):
        Verifier.parse(PETER).open(SIGNED[:at] + letter + SIGNED[at + 1 :])


def test_another_key_may_sign_beside_ours_and_alone_does_not_count(key: LogKey) -> None:
    witness = LogKey.from_seed("witness.example/w1", bytes(32))
    line = witness.sign(TEXT).rpartition("\n\n")[2]
    both = key.sign(TEXT) + line
    assert key.verifier.open(both) == TEXT and witness.verifier.open(both) == TEXT
    assert refused("audit.other_key", witness.sign(TEXT), key.verifier)
    namesake = LogKey.from_seed(key.verifier.name, bytes(32))
    assert refused("audit.other_key", namesake.sign(TEXT), key.verifier)


def test_a_note_whose_text_was_changed_is_damaged(key: LogKey) -> None:
    assert refused("audit.bad_signature", key.sign(TEXT).replace("answer", "ANSWER"), key.verifier)
    with pytest.raises(Damaged):
        key.verifier.open(key.sign(TEXT).replace("answer", "ANSWER"))


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        TEXT,
        f"{TEXT}\n",
        SIGNED.removesuffix("\n"),
        SIGNED.replace("—", "-"),
        SIGNED.replace("\n— ", "\r\n— "),
        SIGNED + "\n",
        SIGNED + "more\n",
        f"{TEXT}\n— PeterNeumann x08g\n",
        f"{TEXT}\n— PeterNeumann x08go/ZJ=\n",
        f"{TEXT}\n— Peter Neumann x08go/ZJ\n",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    assert refused("audit.not_a_note", note, Verifier.parse(PETER))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clinic.example/log\n5\n",
        "clinic.example/log\n05\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "clinic.example/log\n-5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "clinic.example/log\n٥\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "clinic.example/log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "clinic.example/log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx\n",
        "clinic.example/log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "clinic.example/log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"audit\.not_a_checkpoint"):
        Checkpoint.parse(text)


@given(some.integers(0, 2**63 - 1), some.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_as_it_was_written(size: int, root: bytes) -> None:
    written = Checkpoint("clinic.example/log/1", size, root)
    assert Checkpoint.parse(written.text) == written
    assert Checkpoint.parse(written.text + "extension\n") == written


def test_a_clinics_log_key_is_named_for_its_host_and_itself_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.key"
    made = LogKey.create(path, "intake.clinic.internal")
    assert made.verifier.name.startswith("intake.clinic.internal/log/")
    assert LogKey.create(path, "another.host").verifier == made.verifier == LogKey.load(path).verifier
    assert path.stat().st_mode & 0o777 == 0o400
    assert [file.name for file in path.parent.iterdir()] == ["log.key"]
    assert LogKey.create(tmp_path / "log.key", "intake.clinic.internal").verifier.name != made.verifier.name
    assert Verifier.parse(str(made.verifier)) == made.verifier
    assert made.encoded not in repr(made)


def test_a_log_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    LogKey.create(path, "clinic.example")
    path.chmod(0o440)
    with pytest.raises(PermissionError, match="0400"):
        LogKey.load(path)


def test_two_processes_that_start_at_once_get_the_same_log_key(tmp_path: Path) -> None:
    start, found = threading.Barrier(4), list[str]()

    def begin() -> None:
        start.wait()
        found.append(str(LogKey.create(tmp_path / "log.key", "clinic.example").verifier))

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b"])
def test_a_name_that_signed_notes_do_not_take_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name of a key"):
        LogKey.from_seed(name, bytes(32))
