import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from byheart.launch.work_folder import open_work_folder
from tests.conftest import ROOT

RUN = "import time; from byheart.launch.work_folder import open_work_folder\n"
RUN += "with open_work_folder() as folder: print(folder, flush=True); time.sleep(60)"


def test_folder_of_a_run_that_was_killed_goes_with_the_next_run_and_that_of_one_that_goes_on_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is read again
    mine = tmp_path / "byheart-run-of-another-program"
    mine.mkdir()
    with subprocess.Popen([sys.executable, "-c", RUN], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        left = Path(run.stdout.readline().strip())
        (left / "text.txt").write_text("a whole book", encoding="utf-8")
        with open_work_folder() as folder:
            assert {path.name for path in tmp_path.iterdir()} == {left.name, mine.name, folder.name}
        run.kill()
    assert left.exists()
    with open_work_folder():
        assert not left.exists()
    assert list(tmp_path.iterdir()) == [mine]
