"""Every connector there is, by the name of its tool."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from data.connectors.connector import Connector, Exports
from data.connectors.crowdflower import CrowdFlowerFiles
from data.connectors.cvat import Cvat
from data.connectors.cvat_files import CvatFiles
from data.connectors.folder import Folder
from data.connectors.label_studio import LabelStudio
from data.connectors.label_studio_files import LabelStudioFiles
from data.connectors.labelbox import LabelboxFiles
from data.connectors.mturk import MTurkFiles
from data.connectors.prodigy import ProdigyFiles
from data.connectors.zooniverse import ZooniverseFiles
from data.errors import NameUnknown

CONNECTORS: Mapping[str, Connector] = MappingProxyType({one.tool: one for one in (LabelStudio(), Cvat(), Folder())})
EXPORTS: tuple[Exports, ...] = (
    LabelStudioFiles(),
    CvatFiles(),
    LabelboxFiles(),
    MTurkFiles(),
    CrowdFlowerFiles(),
    ProdigyFiles(),
    ZooniverseFiles(),
)


def connector(tool: str) -> Connector:
    """The connector of a tool. Raises NameUnknown with the nearest name."""
    if tool not in CONNECTORS:
        raise NameUnknown("connector for", tool, CONNECTORS, "连接器")
    return CONNECTORS[tool]
