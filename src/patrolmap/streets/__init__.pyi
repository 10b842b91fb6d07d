from .network import Graph as Graph
from .network import StreetNetwork as StreetNetwork
from .places import read_places as read_places
from .read import read_streets as read_streets
from .snap import snap_events as snap_events
