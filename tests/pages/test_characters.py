import sys
import unicodedata

from byheart.pages.characters import neutralise


def test_hidden_characters_of_a_name_have_signs() -> None:
    assert neutralise("a\x07b\x7fc\u202ed\u200be\ufefff\x85g\u200d") == "a␇b␡c□d□e□f□g□"


def test_no_control_and_nothing_that_turns_the_text_is_left() -> None:
    everything = "".join(map(chr, range(0xD800))) + "".join(map(chr, range(0xE000, sys.maxunicode + 1)))
    kept = neutralise(everything)
    assert len(kept) == len(everything)
    assert {character for character in kept if unicodedata.category(character) == "Cc"} == {"\t", "\n"}
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not {character for character in kept if unicodedata.bidirectional(character) in turning}


def test_letters_of_all_alphabets_stay() -> None:
    text = "می\u200cخواهم Élan, Skarnö’s\n\tשָׁלוֹם السلام 中文 👩 e\u0301 <b>&amp;"
    assert neutralise(text) == text
