"""A Parquet file as an ordinary writer never writes it, by hand: dictionaries with repeated entries and one page of indices for several columns.

Only what a test needs: optional columns of text, int64 and decimal(14,2), one row group, pages of format version 1, Snappy pages that hold their bytes as
they are.
"""
import struct

BOOLEAN, I32, I64, BINARY, LIST, STRUCT = 2, 5, 6, 8, 9, 12
PLAIN, RLE, RLE_DICTIONARY, DELTA_BINARY_PACKED = 0, 3, 8, 5
INT64, BYTE_ARRAY = 2, 6
SNAPPY = 1


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def compact(fields):
    """A Thrift struct in the compact protocol: (id, kind, value) in rising order of ids."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        out.append((number - last) << 4 | (kind if kind != BOOLEAN else 1))
        last = number
        out += body(kind, value)
    return bytes(out) + b"\0"


def body(kind, value):
    if kind in (I32, I64):
        return zigzag(value)
    if kind == BINARY:
        return varint(len(value)) + value
    if kind == STRUCT:
        return value
    if kind == LIST:
        inner, values = value
        head = bytes([len(values) << 4 | inner]) if len(values) < 15 else bytes([0xF0 | inner]) + varint(len(values))
        return head + b"".join(body(inner, one) for one in values)
    return b""


def literally(data):
    """Snappy that compresses nothing: one literal."""
    size = len(data)
    if size == 0:
        return b"\0"
    if size <= 60:
        return varint(size) + bytes([(size - 1) << 2]) + data
    return varint(size) + bytes([63 << 2]) + struct.pack("<I", size - 1) + data


def packed(values, width):
    """Bit-packed run of the RLE hybrid; the last group is filled up with zeros."""
    groups = -(-len(values) // 8)
    whole = 0
    for place, value in enumerate(values):
        whole |= value << (place * width)
    return varint(groups << 1 | 1) + whole.to_bytes(groups * width, "little")


def levels(valid):
    """Definition levels with their length before them."""
    told = packed([int(one) for one in valid], 1)
    return struct.pack("<I", len(told)) + told


def delta(values):
    """DELTA_BINARY_PACKED of int64: blocks of 128, four miniblocks."""
    out = varint(128) + varint(4) + varint(len(values)) + zigzag(values[0] if values else 0)
    steps = [after - before for before, after in zip(values, values[1:])]
    for start in range(0, len(steps), 128):
        block = steps[start:start + 128]
        least = min(block)
        minis = [[step - least for step in block[place:place + 32]] for place in range(0, 128, 32)]
        widths = [max((one.bit_length() for one in mini), default=0) for mini in minis]
        out += zigzag(least) + bytes(widths)
        for mini, width in zip(minis, widths):
            if mini:
                mini += [0] * (32 - len(mini))
                out += sum(one << (place * width) for place, one in enumerate(mini)).to_bytes(4 * width, "little")
    return out


def page(kind, header, data):
    """A page with its header. `kind` is 0 for data, 2 for a dictionary; header is the inner struct."""
    held = literally(data)
    place = 5 if kind == 0 else 7
    return compact([(1, I32, kind), (2, I32, len(data)), (3, I32, len(held)), (place, STRUCT, header)]) + held


def data_page(count, encoding, data):
    return page(0, compact([(1, I32, count), (2, I32, encoding), (3, I32, RLE), (4, I32, RLE)]), data)


def plain(kind, values):
    if kind == BYTE_ARRAY:
        return b"".join(struct.pack("<I", len(one)) + one for one in (value.encode() for value in values))
    return b"".join(struct.pack("<q", value) for value in values)


class Column:
    """A column's name, its Parquet type and its finished pages."""

    def __init__(self, name, kind, decimal=False):
        self.name, self.kind, self.decimal = name, kind, decimal
        self.encodings, self.dictionary, self.pages = [RLE], b"", b""

    def by_index(self, entries, index_page):
        """A dictionary of these entries, repeated ones and all, before a page of indices made elsewhere."""
        self.encodings += [PLAIN, RLE_DICTIONARY]
        self.dictionary = page(2, compact([(1, I32, len(entries)), (2, I32, PLAIN)]), plain(self.kind, entries))
        self.pages = index_page
        return self

    def by_delta(self, values):
        """Differences, NULL left out."""
        self.encodings.append(DELTA_BINARY_PACKED)
        there = [value for value in values if value is not None]
        valid = levels([value is not None for value in values])
        self.pages = data_page(len(values), DELTA_BINARY_PACKED, valid + delta(there))
        return self

    def element(self):
        fields = [(1, I32, self.kind), (3, I32, 1), (4, BINARY, self.name.encode())]
        if self.kind == BYTE_ARRAY:
            fields += [(6, I32, 0), (10, STRUCT, compact([(1, STRUCT, compact([]))]))]
        elif self.decimal:
            scale = compact([(1, I32, 2), (2, I32, 14)])
            fields += [(6, I32, 5), (7, I32, 2), (8, I32, 14), (10, STRUCT, compact([(5, STRUCT, scale)]))]
        return compact(fields)

    def chunk(self, offset, rows):
        size = len(self.dictionary) + len(self.pages)
        fields = [(1, I32, self.kind), (2, LIST, (I32, self.encodings)), (3, LIST, (BINARY, [self.name.encode()])), (4, I32, SNAPPY),
                  (5, I64, rows), (6, I64, size), (7, I64, size), (9, I64, offset + len(self.dictionary))]
        if self.dictionary:
            fields.append((11, I64, offset))
        return compact([(2, I64, offset), (3, STRUCT, compact(fields))])


def index_page(indices, entries):
    """One page of indices for any number of columns; None is a row whose attributes are NULL."""
    width = max(1, (entries - 1).bit_length())
    there = [index for index in indices if index is not None]
    return data_page(len(indices), RLE_DICTIONARY, levels([index is not None for index in indices]) + bytes([width]) + packed(there, width))


def write(path, columns, rows):
    """Writes the columns as a file of one row group."""
    out, chunks = bytearray(b"PAR1"), []
    for column in columns:
        chunks.append(column.chunk(len(out), rows))
        out += column.dictionary + column.pages
    group = compact([(1, LIST, (STRUCT, chunks)), (2, I64, len(out) - 4), (3, I64, rows)])
    root = compact([(4, BINARY, b"schema"), (5, I32, len(columns))])
    schema = [root, *(column.element() for column in columns)]
    foot = compact([(1, I32, 1), (2, LIST, (STRUCT, schema)), (3, I64, rows), (4, LIST, (STRUCT, [group])), (6, BINARY, b"by hand")])
    with open(path, "wb") as file:
        file.write(out + foot + struct.pack("<I", len(foot)) + b"PAR1")
