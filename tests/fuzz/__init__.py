"""Feeds parsers of foreign bytes what nobody would write: `make fuzz`, and a second of it in `make test`.

parsers.py       every parser by name, with the inputs that it reads and how they are changed
of_*.py          the parsers of each kind of file, in rows
changed.py       changes of bytes and of JSON documents; files.py and replies.py, of other formats
guard.py         what a parser may do with an input
child.py         one parser and many inputs, in a process of its own; __main__.py starts one for each parser
corpus/PARSER/   inputs that once did harm, a file each, which every `make test` tries again
"""
