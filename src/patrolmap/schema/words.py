"""The words that columns of the tables may hold."""

EVENT_KINDS = ("crime", "accident", "juvenile", "call")
CATEGORIES = (
    *("violence", "sexual", "domestic", "robbery", "burglary", "theft", "vehicle", "fraud"),
    *("extortion", "damage", "arson", "disorder", "weapons", "drugs", "traffic"),
    *("accident_pedestrian", "accident_vehicle", "accident_other", "other", "unknown"),
)
SEVERITIES = (
    *("misdemeanour", "minor", "medium", "grave", "especially_grave"),
    *("damage", "injury", "fatal"),
)
TIME_PRECISIONS = ("minute", "hour", "period", "day", "month", "unknown")
LIT_VALUES = ("yes", "no", "unknown")
SIDEWALK_VALUES = ("both", "one", "separate", "no")
AREA_VALUES = ("park", "square")
GROUND_KINDS = ("park", "water")
PLACE_KINDS = (
    *("police", "school", "kindergarten", "bus_stop", "bar", "alcohol", "marketplace", "park"),
    *("crossing", "street_lamp", "camera"),
)
MODES = ("walk", "drive")
TREND_CLASSES = ("emerging", "persistent", "fading", "sporadic", "none")
ACTIVITIES = ("walk", "drive", "dwell", "wait", "break", "report", "briefing", "handover")
