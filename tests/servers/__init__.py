"""What the servers of the tests share: tests.gcs and tests.hub, from which bytes come, and tests.kfp_api.

certificate.py   a certificate of this machine's own
faults.py        what goes wrong, and when
listener.py      a listening socket, its connections, their requests and their end
requests.py      a request, and the range that it asks for
"""
