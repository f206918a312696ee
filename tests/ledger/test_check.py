"""Tests of the checker: each fault is forged in a folder and must be found, and nothing else."""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check")
KEYS = 4


def ledger(first, last, counts=None, version="v1"):
    """The lines an undisturbed job writes for the numbers first to last."""
    lines = []
    for number in range(first, last + 1):
        count = number // KEYS + 1 if counts is None else counts(number)
        lines.append(f"{number} {number % KEYS} {count} {version}\n")
    return lines


class Folder:
    """A sink's folder, written file by file."""

    def __init__(self, test, files):
        self.folder = tempfile.TemporaryDirectory()
        test.addCleanup(self.folder.cleanup)
        for name, lines in files.items():
            path = os.path.join(self.folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(lines)

    def check(self, *arguments):
        """Runs the checker on the folder; returns the exit code and the verdict."""
        done = subprocess.run(
            [sys.executable, CHECK, self.folder.name, "--json", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def tar(self):
        """The folder as a tar, as a pod sends it."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            archive.add(self.folder.name, arcname=".")
        return out.getvalue()


class CheckTest(unittest.TestCase):
    def folder(self, files):
        return Folder(self, files)

    def assert_faults(self, verdict, missing=0, duplicated=0, jumps=0, malformed=0):
        found = [verdict[k] for k in ("missing", "duplicated", "countJumps", "malformed")]
        self.assertEqual(found, [missing, duplicated, jumps, malformed], verdict)

    def test_whole_ledger_is_clean(self):
        code, verdict = self.folder(
            {"a-0": ledger(0, 49), "a-1": ledger(50, 99), "b/c-0": ledger(100, 119, version="v2")}
        ).check()
        self.assert_faults(verdict)
        self.assertEqual((code, verdict["numbers"], verdict["highest"]), (0, 120, 119))
        self.assertEqual(
            [(v["version"], v["first"], v["last"]) for v in verdict["versions"]],
            [("v1", 0, 99), ("v2", 100, 119)],
        )

    def test_files_in_progress_do_not_count(self):
        code, verdict = self.folder(
            {"a-0": ledger(0, 49), ".a-1.inprogress.1": ledger(40, 99), ".tmp/a-2": ["x"]}
        ).check()
        self.assert_faults(verdict)
        self.assertEqual((code, verdict["numbers"]), (0, 50))

    def test_a_lost_file_is_missing_and_jumps(self):
        code, verdict = self.folder({"a-0": ledger(0, 9), "a-2": ledger(20, 29)}).check()
        # The counts go on behind the gap, so each key jumps once.
        self.assert_faults(verdict, missing=10, jumps=KEYS)
        self.assertEqual((code, verdict["missingRanges"]), (1, [[10, 19]]))

    def test_numbers_lost_at_the_start_are_missing(self):
        code, verdict = self.folder({"a-0": ledger(4, 9, lambda n: n // KEYS)}).check()
        self.assert_faults(verdict, missing=4)
        self.assertEqual(code, 1)

    def test_a_second_run_from_the_same_state_is_duplicated(self):
        code, verdict = self.folder(
            {"a-0": ledger(0, 29), "b-0": ledger(20, 39, version="v2")}
        ).check()
        self.assert_faults(verdict, duplicated=10)
        self.assertEqual((code, verdict["numbers"], verdict["duplicates"][0]), (1, 40, 20))

    def test_a_number_three_times_is_one_duplicate(self):
        line = ledger(5, 5)
        _, verdict = self.folder({"a-0": ledger(0, 9), "b-0": line, "c-0": line}).check()
        self.assert_faults(verdict, duplicated=1)

    def test_lost_keyed_state_jumps_though_no_number_is_lost(self):
        code, verdict = self.folder(
            {"a-0": ledger(0, 19), "a-1": ledger(20, 39, lambda n: (n - 20) // KEYS + 1)}
        ).check()
        self.assert_faults(verdict, jumps=KEYS)
        self.assertEqual(code, 1)
        self.assertEqual(verdict["jumps"][0], {"key": 0, "number": 20, "from": 5, "to": 1})

    def test_older_keyed_state_jumps_once_a_key(self):
        _, verdict = self.folder(
            {"a-0": ledger(0, 19), "a-1": ledger(20, 39, lambda n: n // KEYS)}
        ).check()
        self.assert_faults(verdict, jumps=KEYS)

    def test_a_repeat_with_other_state_is_both(self):
        _, verdict = self.folder({"a-0": ledger(0, 19), "b-0": ["16 0 1 v2\n"]}).check()
        # 1 after 4, then 5 after 1: the lines are compared in the order of number, then count.
        self.assert_faults(verdict, duplicated=1, jumps=2)

    def test_torn_and_foreign_lines_are_malformed(self):
        code, verdict = self.folder(
            {"a-0": ledger(0, 9), "a-1": ["10 2 3"], "a-2": ["hello\n", "11 3\n"]}
        ).check()
        self.assert_faults(verdict, malformed=4)
        self.assertEqual(code, 1)

    def test_fewer_numbers_than_asked_for(self):
        folder = self.folder({"a-0": ledger(0, 9)})
        self.assertEqual(folder.check("--min", "10")[0], 0)
        self.assertEqual(folder.check("--min", "11")[0], 1)

    def test_an_empty_folder_has_no_numbers(self):
        code, verdict = self.folder({}).check()
        self.assert_faults(verdict)
        self.assertEqual((code, verdict["numbers"], verdict["highest"]), (0, 0, None))

    def test_a_missing_folder_is_no_verdict(self):
        done = subprocess.run(
            [sys.executable, CHECK, "/nonexistent"], capture_output=True, text=True, check=False
        )
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("/nonexistent is not a folder", done.stderr)

    def run_tar(self, tar):
        return subprocess.run(
            [sys.executable, CHECK, "-"], input=tar, capture_output=True, check=False
        )

    def test_a_tar_is_read_as_the_folder_is(self):
        folder = self.folder({"a-0": ledger(0, 49), "b/a-1": ledger(50, 59), ".a-2": ["x"]})
        done = self.run_tar(folder.tar())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            done.stdout.decode().splitlines()[0],
            "numbers 60, missing 0, duplicated 0, count jumps 0",
        )

    def test_a_torn_tar_is_no_verdict(self):
        tar = self.folder({"a-0": ledger(0, 4999)}).tar()
        for length in (0, 700, 20000):
            done = self.run_tar(tar[:length])
            self.assertEqual((done.returncode, done.stdout), (2, b""), length)


if __name__ == "__main__":
    unittest.main()
