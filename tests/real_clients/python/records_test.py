"""The comparison must find every kind of difference, or a passing scenario proves nothing."""

import sys
import unittest
from dataclasses import replace

from records import (MAX_MESSAGE_BYTES, Limits, batch_bytes, compare, expected, in_order,
                     largest_value, plan)


def acknowledged():
    planned = plan(200, 2, 7, 1_000, Limits())
    following = {0: 0, 1: 0}
    records = []
    for record in planned:
        records.append(expected(record, following[record.partition]))
        following[record.partition] += 1
    return records


class Comparison(unittest.TestCase):
    def setUp(self):
        self.wanted = acknowledged()
        self.read = acknowledged()

    def differs(self, *parts):
        differences = compare(self.wanted, self.read)
        self.assertEqual(len(differences), 1, differences)
        for part in parts:
            self.assertIn(part, differences[0])

    def change(self, **fields):
        self.read[50] = replace(self.read[50], **fields)

    def test_nothing_differs(self):
        self.assertEqual(compare(self.wanted, self.read), [])

    def test_a_lost_record(self):
        del self.read[50]
        self.differs("was acknowledged and not read")

    def test_a_record_too_many(self):
        self.read.append(replace(self.read[50], offset=4_711))
        self.differs("was read and not acknowledged")

    def test_a_record_read_twice(self):
        self.read.append(self.read[50])
        self.differs("was read twice")

    def test_a_changed_value(self):
        self.change(value=(self.read[50].value or b"") + b"!")
        self.differs("has value")

    def test_null_is_not_empty(self):
        self.wanted[50] = replace(self.wanted[50], value=None)
        self.change(value=b"")
        self.differs("has value")

    def test_a_changed_key(self):
        self.change(key=b"other")
        self.differs("has key")

    def test_changed_headers(self):
        self.change(headers=(*self.read[50].headers, ("more", None)))
        self.differs("has headers")

    def test_a_changed_timestamp(self):
        self.change(timestamp=self.read[50].timestamp + 1)
        self.differs("has timestamp")

    def test_a_moved_record(self):
        self.change(offset=4_711)
        self.assertEqual(len(compare(self.wanted, self.read)), 2)

    def test_order(self):
        self.assertEqual(in_order(self.read), [])
        first = next(at for at in range(50, 200) if self.read[at].partition == 0)
        second = next(at for at in range(first + 1, 200) if self.read[at].partition == 0)
        self.read[first], self.read[second] = self.read[second], self.read[first]
        self.assertNotEqual(in_order(self.read), [])


class Plan(unittest.TestCase):
    def test_has_every_shape(self):
        planned = plan(1_100, 3, 1, 0, Limits())
        self.assertEqual({record.partition for record in planned}, {0, 1, 2})
        self.assertTrue({None, b""} <= {record.key for record in planned})
        self.assertTrue({None, b""} <= {record.value for record in planned})
        self.assertTrue(any(len(record.value or b"") >= 1_000_000 for record in planned))
        headers = [header for record in planned for header in record.headers]
        self.assertTrue({None, b""} <= {value for _, value in headers})

    def test_keeps_to_limits(self):
        planned = plan(1_100, 3, 1, 0, Limits(null_header_values=False, key_and_value_null=False))
        self.assertFalse(any(record.key is None and record.value is None for record in planned))
        self.assertFalse(any(value is None for record in planned for _, value in record.headers))

    def test_largest_value(self):
        self.assertEqual(batch_bytes(largest_value()), MAX_MESSAGE_BYTES)


if __name__ == "__main__":
    sys.exit(unittest.main())
