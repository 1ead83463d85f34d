"""What the servers of the tests share: tests.gcs, which is a store, and tests.hub, from which models come.

faults.py     what goes wrong, and when
listener.py   a listening socket, its connections, and their end
"""
