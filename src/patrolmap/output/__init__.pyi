from .cards import write_cards as write_cards
from .explore import explore as explore
from .gpx import write_gpx as write_gpx
from .maps.options import MapOptions as MapOptions
