"""Reading back what a map's page carries: slow twins of the page's own decoders."""

import base64
import json
import re

import numpy as np


def page_of(m):
    return m.get_root().render()


def payload_of(m):
    found = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page_of(m), re.S)
    return json.loads(found[1])


def ints(text):
    """The slow twin of the page's decoder."""
    values, value, shift = [], 0, 0
    for letter in (ord(c) - 63 for c in text):
        value |= (letter & 31) << shift
        shift += 5
        if letter < 32:
            values.append(value)
            value = shift = 0
    return values


def points(text):
    steps = [-(v + 1) // 2 if v % 2 else v // 2 for v in ints(text)]
    return np.cumsum(np.array(steps).reshape(-1, 2), axis=0) / 1e6


def decode(packed):
    return np.split(points(packed["points"]), np.cumsum(ints(packed["counts"]))[:-1])


def values_of(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=kind)
