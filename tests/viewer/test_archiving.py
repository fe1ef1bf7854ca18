"""Results into an archive: what no report can refer to is refused before anything is written."""

import numpy as np
import pytest

from retrieval.errors import PictureError
from retrieval.picture import Picture
from viewer.archiving import store_search
from viewer.queries.query import Query


@pytest.mark.parametrize("part", ["1.0um/3,2", "1.0um/192,128,64,64"])
def test_a_tile_or_field_of_a_slide_is_no_frame_of_its_file(part):
    box = {"um_per_px": 1.0, "x": 192.0, "y": 128.0, "width": 64.0, "height": 64.0}
    picture = Picture(np.zeros((64, 64), np.float32), f"wsi.dcm#{part}", metadata=box)
    query = Query(picture.id, picture)
    with pytest.raises(PictureError, match=r"wsi\.dcm#1\.0um/.*: a tile of a slide at another scale"):
        store_search(None, query, None, None, None)  # refused before any of these is used
