"""The ranker whose candidates come from a copy in Milvus: ``--ranker milvus:http://host:19530``."""

from __future__ import annotations

from retrieval.errors import NotInstalledError
from retrieval.rankers.engine import EngineCopy
from retrieval.rankers.engine_ranker import EngineRanker

from .address import MilvusAddress


class MilvusRanker(EngineRanker):
    """Rank dense vectors with candidates of a Milvus server, scored from our own vectors."""

    name = "milvus"

    @classmethod
    def check_place(cls, place: str) -> None:
        """Raise SettingError if an address makes no sense, and NotInstalledError without pymilvus."""
        MilvusAddress.parse(place)
        try:
            import pymilvus  # noqa: F401
        except ImportError as error:
            raise NotInstalledError(
                "milvus", f"needs pymilvus ({error})", "pip install 'semblance[milvus]'", "milvus"
            ) from error

    @classmethod
    def connect(cls, place: str, name: str, *, patient: bool = False) -> EngineCopy:
        """Return the copy of a name at a server. EngineError if it does not answer."""
        from .copy import MilvusCopy

        cls.check_place(place)
        return MilvusCopy(MilvusAddress.parse(place), name, patient=patient)
