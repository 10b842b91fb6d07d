from .hotspots import hotspots as hotspots
from .network_kde import NetworkKDE as NetworkKDE
