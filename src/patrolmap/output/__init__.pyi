from .cards.write import write_cards as write_cards
from .explore import explore as explore
from .figure.plot import plot as plot
from .gpx import write_gpx as write_gpx
from .maps.options import MapOptions as MapOptions
from .postgis import write_postgis as write_postgis
from .tables import write_tables as write_tables
