"""Facts about the text that ``semblance info`` prints."""

from cli.commands.info import outline


def test_names_of_files_are_printed_as_they_are_and_words_of_programs_as_words() -> None:
    facts = {"files_lacking": 3, "skipped": {"a_b/c_d.dcm": "is damaged"}, "parts": {"made_by": "us"}}
    assert outline(facts) == [
        "files lacking: 3",
        "skipped:",
        "  a_b/c_d.dcm: is damaged",
        "parts:",
        "  made by: us",
    ]
