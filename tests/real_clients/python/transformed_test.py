"""What is said of transactions must find every kind of difference, or a passing scenario proves nothing."""

import sys
import unittest
from dataclasses import replace

from records import Record, expected
from transformed import (ABORTED, COMMITTED, UNKNOWN, Journal, exactly_once, in_input_order,
                         transformed, whole)

PARTITIONS = 2


def inputs():
    return [Record(number % PARTITIONS, number // PARTITIONS, b"key", b"%d" % number, (), 1_000)
            for number in range(40)]


class Transactions(unittest.TestCase):
    """Four attempts at ten inputs each, of which the third was aborted and made again."""

    def setUp(self):
        self.journal, self.inputs, self.ends = Journal(), inputs(), [0] * PARTITIONS
        self.uncommitted = self.attempt("a-0", 0, COMMITTED) + self.attempt("b-0", 10, UNKNOWN)
        aborted = self.attempt("a-1", 20, ABORTED)
        rest = self.attempt("b-1", 20, COMMITTED) + self.attempt("a-2", 30, COMMITTED)
        self.committed = self.uncommitted + rest
        self.uncommitted = self.uncommitted + aborted + rest

    def attempt(self, name, first, outcome):
        read = self.inputs[first:first + 10]
        self.journal.begin(name, read).outcome = outcome
        outputs = []
        for record in read:
            outputs.append(expected(transformed(record, name), self.ends[record.partition]))
            self.ends[record.partition] += 1
        return outputs

    def differences(self):
        return (exactly_once(self.inputs, self.committed) + in_input_order(self.committed)
                + whole(self.journal.attempts, self.committed, self.uncommitted))

    def differs(self, *parts):
        for part in parts:
            self.assertTrue([text for text in self.differences() if part in text], self.differences())

    def test_nothing_differs(self):
        self.assertEqual(self.differences(), [])

    def test_a_lost_record(self):
        del self.committed[5]
        self.differs("(1, 2) was lost", "a-0 was committed: 9 of its 10")

    def test_a_transaction_of_unknown_outcome_may_be_missing_as_a_whole(self):
        del self.committed[10:20]
        self.assertEqual(whole(self.journal.attempts, self.committed, self.uncommitted), [])

    def test_a_torn_transaction_of_unknown_outcome(self):
        del self.committed[10:13]
        self.differs("b-0 was unknown: 7 of its 10")

    def test_a_doubled_record(self):
        self.committed.append(self.committed[5])
        self.differs("(1, 2) has 2 outputs, by ['a-0', 'a-0']")

    def test_an_aborted_record(self):
        self.committed.insert(20, self.uncommitted[20])
        self.differs("(0, 10) has 2 outputs, by ['a-1', 'b-1']", "a-1 was aborted: 1 of its 10")

    def test_an_output_without_input(self):
        del self.inputs[7]
        self.differs("(1, 3) is no input")

    def test_a_changed_record(self):
        self.committed[5] = replace(self.committed[5], value=b"seen 6")
        self.differs("the output for (1, 2) is")

    def test_order(self):
        self.committed[4], self.committed[6] = self.committed[6], self.committed[4]
        self.differs("partition 0: the output for 2 is behind that for 3")

    def test_an_attempt_of_nobody(self):
        del self.journal.attempts["a-2"]
        self.differs("a-2 is nobody's attempt")

    def test_records_for_some_readers_only(self):
        del self.uncommitted[5]
        self.differs("only a reader of what is committed was given")


if __name__ == "__main__":
    sys.exit(unittest.main())
