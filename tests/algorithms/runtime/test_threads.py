"""The number of threads."""

import torch
from threadpoolctl import threadpool_info

from algorithms.runtime.threads import one_thread


def test_one_thread_is_a_limit_that_ends():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
