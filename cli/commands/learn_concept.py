"""``semblance learn-concept``: learn from marked fields what ``query --concept`` moves a query along."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from retrieval.errors import OptionError, SettingError
from viewer.safe_text import printable

from ..options.argument_types import place
from ..options.command import command
from ..options.completion import complete_representation
from ..options.parameters import Arguments, argument, option
from ..options.slide_flags import micrometres

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.index.storage.concept_file import Concept

EXAMPLE = """example:
  semblance learn-concept slides.index gland s.svs.geojson t.svs.geojson
  semblance learn-concept slides.index mitosis fields.csv
  semblance learn-concept slides.index lung
  semblance query slides.index 's.svs#1.0um/12,7' --concept gland --concept lung=-0.5

A field shows the concept if its label is the concept's name, or `like`; with any other label it does
not. At least five of each side are needed. FILE is a table (path,label) of images of the index, or of
fields such as s.svs#1.0um/4000,3000,512,512; or annotations that QuPath exported as GeoJSON, called
as their slide. Without a FILE the labels of the index count; without any field that does not show the
concept, other images of the index stand for that.

It is kept beside the index, as INDEX.concepts.json, in place of one of its name. What is printed says
how well it tells fields of slides (or patients) that it was not learnt from: the chance that one that
shows it comes before one that does not."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@argument("name", metavar="[NAME]", required=False, help="what the concept is called")
@argument("files", type=place, nargs=-1, metavar="[FILE]", help="tables and GeoJSON files of fields")
@option(
    "--by",
    multiple=True,
    shell_complete=complete_representation,
    metavar="NAME",
    help="a representation that it is learnt on; repeatable [those that answer]",
)
@option("--slide", metavar="IMAGE", help="the slide of GeoJSON files [the one that they are called as]")
@option(
    "--um-per-px", type=micrometres, metavar="UM", help="the scale of annotations [at which they are a tile]"
)
@option("--drop", is_flag=True, excludes="what", help="forget the concept instead")
@option("--list", is_flag=True, excludes="what", help="print the concepts of the index instead")
@option("--json", is_flag=True, help="print as JSON")
def run(args: Arguments) -> int:
    """Learn a concept and say how well it is recognised, or list or forget concepts."""
    from retrieval.index import Index

    _check_goes_together(args)
    with Index.open(args.index) as index:
        if args.list:
            return _show(list(index.concepts.values()), args.json)
        if args.name is None:
            raise SettingError("NAME: say what the concept is called, after the index")
        if args.drop:
            index.drop_concept(args.name)
            print(f"{printable(args.name)} forgotten", file=sys.stderr)
            if args.json:
                print(json.dumps({"dropped": [args.name]}))
            return 0
        return _show([_learnt(index, args)], args.json)


def _check_goes_together(args: Arguments) -> None:
    """Raise an error for what would be passed over beside the rest."""
    about_fields = [name for name in ("slide", "um_per_px") if getattr(args, name) is not None]
    if args.drop or args.list:
        how = "--drop" if args.drop else "--list"
        if args.files or (args.list and args.name is not None):
            raise SettingError(f"{'FILE' if args.files else 'NAME'}: does not go with {how}; leave one out")
        if more := [name for name in ("by",) if args.by] + about_fields:
            raise OptionError(f"does not go with {how}; leave one of the two out", more[0])
    elif about_fields and not args.files:
        raise OptionError("is about fields of FILE, and none is given", about_fields[0])


def _learnt(index: Index, args: Arguments) -> Concept:
    from viewer.queries.concept_fields import concept_fields

    fields = concept_fields(index, args.name, args.files, args.slide, args.um_per_px)
    return index.learn_concept(args.name, fields.like, fields.unlike, args.by)


def _show(concepts: list[Concept], as_json: bool) -> int:
    if as_json:
        print(json.dumps([_data(concept) for concept in concepts]))
        return 0
    for concept in concepts:
        told = ", ".join(
            f"{by} {'–' if one.auc is None else f'{one.auc:.2f}'}" for by, one in concept.directions.items()
        )
        counts = f"{concept.n_liked} fields like it, {concept.n_unliked} unlike"
        print(printable(f"{concept.name}: {counts}; told apart in held-out cases: {told}"))
    return 0


def _data(concept: Concept) -> dict[str, Any]:
    auc = {by: one.auc for by, one in concept.directions.items()}
    return {"name": concept.name, "like": concept.n_liked, "unlike": concept.n_unliked, "auc": auc}
