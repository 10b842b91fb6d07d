from .combine import combine_events as combine_events
from .read import check_events as check_events
from .read import read_events as read_events
from .report import EventsReport as EventsReport
