"""Feeds parsers of foreign bytes what nobody would write: `make fuzz`, and a second of it in `make test`.

parsers.py       every parser by name, with the inputs that it reads and how they are changed
of_*.py          the parsers of each kind of file, in rows
changed.py       changes of bytes and of JSON documents; files.py and replies.py, of other formats
guard.py         what a parser may do with an input
child.py         one parser and many inputs, in a process of its own; __main__.py starts one for each parser
corpus/PARSER/   inputs that once did harm, a file each, which every `make test` tries again

Inputs are valid ones, changed at random by `random.Random`. Strategies of hypothesis made a fifth as many of them in
the same time, and would add only the search for a smaller input, which child.py has. Atheris would add that inputs are
kept which reach new lines; it was not tried. It sees lines of Python alone, not those of tokenizers, pyarrow and
msgspec, and it has wheels for Linux on x86-64 only, of which 3.0 is the last for Python 3.11. It could be put in
front: its custom mutator takes what `change` of a parser is.
"""
