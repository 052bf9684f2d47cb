"""Writes npy.jsonl: .npy files as NumPy makes them, and what NumPy says is in them.

    python3 test/formats/make-npy-vectors.py > test/formats/npy.jsonl

A line has the file (base64) and either the array, or the reason for which a view cannot show it. `saved` is what NumPy
writes for the array where that differs from the file. Made with NumPy 2.4.6.
"""
import base64
import datetime
import io
import json
import struct

import numpy as np
from numpy.lib import format as npy

LIMITS = {
    "b1": [False, True], "i1": [-128, 0, 127], "u1": [0, 1, 255], "i2": [-2**15, -1, 2**15 - 1], "u2": [0, 258, 2**16 - 1],
    "i4": [-2**31, 66051, 2**31 - 1], "u4": [0, 66051, 2**32 - 1], "i8": [-2**63, 283686952306183, 2**63 - 1],
    "u8": [0, 283686952306183, 2**64 - 1], "f2": [0.5, -65504.0, float("nan"), float("inf"), 2**-24],
    "f4": [0.1, -0.0, float("nan"), float("-inf"), 1e-45], "f8": [0.1, -0.0, float("nan"), float("inf"), 5e-324],
}


def saved(array, version=None):
    file = io.BytesIO()
    npy.write_array(file, array, version=version)
    return file.getvalue()


def with_head(text, data, version=(1, 0)):
    """A file whose head NumPy would not write any more, but reads."""
    text = text.encode("latin1")
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def value(item):
    if isinstance(item, list):
        return [value(part) for part in item]
    return str(item) if isinstance(item, int) and abs(item) >= 2**53 or item != item or item in (float("inf"), float("-inf")) else item


def emit(name, file, array):
    stored = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    line = {
        "name": name, "file": base64.b64encode(file).decode(), "dtype": array.dtype.str, "shape": array.shape,
        "order": stored, "values": value(array.tolist()), "bytes": array.tobytes("C").hex(),
    }
    if saved(array) != file:
        line["saved"] = base64.b64encode(saved(array)).decode()
    print(json.dumps(line))


def refuse(name, file, says):
    print(json.dumps({"name": name, "file": base64.b64encode(file).decode(), "says": says}))


for code, items in LIMITS.items():
    for order in "<>":
        array = np.array(items, dtype=order + code)
        emit(array.dtype.str + " " + order, saved(array), array)

cube = np.arange(24, dtype="<i2").reshape(2, 3, 4)
shapes = {
    "C order": cube, "Fortran order": np.asfortranarray(cube), "one row": np.ones((1, 5)), "one column": np.ones((5, 1)),
    "no dimension": np.array(2.5), "empty": np.zeros(0), "no rows": np.zeros((0, 3)), "no columns": np.zeros((3, 0), order="F"),
    "64 dimensions": np.full((1,) * 63 + (2,), 7, dtype="|u1"), "a sliced array": cube[:, ::2, ::-1],
    "big-endian Fortran order": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3)),
}
for name, array in shapes.items():
    kept = npy.read_array(io.BytesIO(saved(array)))
    emit(name, saved(array), kept)
for version in [(1, 0), (2, 0), (3, 0)]:
    emit(f"version {version[0]}.{version[1]}", saved(cube, version), cube)

plain = np.array([1.5, -2.0])
odd = {
    "an unaligned head": "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n",
    "keys in another order": "{'shape': (2,), 'descr': '<f8', 'fortran_order': False}   \n",
    "double quotes and tight": '{"descr":"<f8","fortran_order":False,"shape":(2,)}\n',
    "line breaks": "{'descr': '<f8',\n 'fortran_order': False,\n 'shape': ( 2 , ), }\n",
    "Python 2's long integers": "{'descr': '<f8', 'fortran_order': False, 'shape': (2L,), }\n",
    "no byte order": "{'descr': 'f8', 'fortran_order': False, 'shape': (2,), }\n",
    "this machine's byte order": "{'descr': '=f8', 'fortran_order': False, 'shape': (2,), }\n",
}
for name, text in odd.items():
    file = with_head(text, plain.tobytes())
    assert npy.read_array(io.BytesIO(file)).tolist() == plain.tolist()
    emit(name, file, plain)
emit("bytes after the array", saved(plain) + b"more", plain)

refused = {
    "complex": (np.array([1j]), "<c16 (complex numbers)"), "bytes": (np.array([b"ab"]), "|S2 (byte strings)"),
    "text": (np.array(["ab"]), "<U2 (text)"), "dates": (np.array(["2026-01-01"], "M8[D]"), "<M8[D] (dates)"),
    "durations": (np.array([5], "m8[s]"), "<m8[s] (durations)"), "long doubles": (np.array([1], "f16"), "<f16 (floats of that size)"),
    "raw bytes": (np.array([b"ab"], "V2"), "|V2 (raw records)"),
    "records": (np.zeros(2, [("x", "<f8"), ("y", "<i4")]), "[('x', '<f8'), ('y', '<i4')]"),
    "records with names of any script": (np.zeros(1, [("\u03b1", "<f8")]), "[('\u03b1', '<f8')]"),
}
for name, (array, says) in refused.items():
    refuse(name, saved(array, (3, 0) if "script" in name else None), says)
objects = io.BytesIO()
np.save(objects, np.array([{}, datetime.date(2026, 1, 1)]), allow_pickle=True)
refuse("objects", objects.getvalue(), "|O (pickled Python objects)")
