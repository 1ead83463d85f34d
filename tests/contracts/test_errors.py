import errno
import os

import pytest

from byheart.contracts.errors import os_error_may_pass


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENETUNREACH])
def test_disk_or_network_that_is_away_may_come_back(number: int) -> None:
    assert os_error_may_pass(OSError(number, os.strerror(number)))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENOENT, errno.EISDIR])
def test_what_a_person_must_mend_is_refused_for_good(number: int) -> None:
    assert not os_error_may_pass(OSError(number, os.strerror(number)))
