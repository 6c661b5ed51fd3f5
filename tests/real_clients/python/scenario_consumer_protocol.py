"""What is new about consumer groups (KIP-848), for a client that has both protocols.

How long it takes to share at default settings, also when a member dies; subscription by pattern;
moving a group from the classic to the consumer protocol and back while it works; what
administrators see.
"""

import signal
import subprocess
import sys
import time

from scenario import Failed, event, wait_until
from scenario_groups import Member, none_ended, produce

PARTITIONS = 6
EVERY_PARTITION = set(range(PARTITIONS))
# Within this time members that have heard of each other have shared everything.
SHARED_WITHIN = 20
# The broker's `group.consumer.session.timeout.ms`.
SESSION = 45


class MemberProcess:
    """A member in a process of its own, which can die as processes do."""

    def __init__(self, options, group, topic):
        self.process = subprocess.Popen(
            [sys.executable, "group_member.py", "--client", options.client, "--bootstrap",
             options.bootstrap, "--group", group, "--topic", topic],
            stdout=subprocess.PIPE, text=True)
        # It tells when it has made its consumer, and is about to join.
        if self.process.stdout.readline().strip() != "ready":
            raise Failed("the member's process did not start")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


def run(adapter, bootstrap, report, options):
    admin = adapter.Admin(bootstrap)
    sharing(adapter, bootstrap, admin, report, options)
    if adapter.PATTERNS:
        pattern(adapter, bootstrap, admin, report, options)
    for assignor in ["range", "cooperative-sticky"]:
        migration(adapter, bootstrap, admin, report, options, assignor)
    admin.close()


def shared_by(members, wanted):
    """Whether the members have all partitions between them, each one once, in shares of this size."""
    none_ended(members)
    owned = [member.owned for member in members]
    sizes = sorted(len(each) for each in owned)
    return sizes == wanted and set().union(*owned) == EVERY_PARTITION


def sharing(adapter, bootstrap, admin, report, options):
    topic, group = f"sharing-{options.seed}", f"sharing-group-{options.seed}"
    admin.create_topic(topic, PARTITIONS)
    dying = MemberProcess(options, group, topic)
    members = [Member(adapter, bootstrap, group, topic, {}) for _ in range(2)]
    began = time.monotonic()

    def all_share():
        shares = admin.shares(group)
        return (len(shares) == 3 and all(len(share) == 2 for share in shares)
                and len(set().union(*shares)) == PARTITIONS)

    wait_until(all_share, SHARED_WITHIN, "three members have two partitions each")
    event("shared", seconds=time.monotonic() - began)
    report.equal("the group as lists show it", admin.listed_groups()[group],
                 ("consumer", "stable"))
    report.equal("a list of consumer groups", group in admin.consumer_groups(), True)

    dying.kill()
    began = time.monotonic()
    wait_until(lambda: shared_by(members, [3, 3]), SESSION + SHARED_WITHIN,
               "two take over when one is killed")
    event("took over from the killed", seconds=time.monotonic() - began)
    members[0].leave()
    began = time.monotonic()
    wait_until(lambda: shared_by(members[1:], [PARTITIONS]), SHARED_WITHIN,
               "one takes over when one leaves")
    event("took over from the leaver", seconds=time.monotonic() - began)
    members[1].leave()
    wait_until(lambda: admin.group_state(group) == ("empty", 0), SHARED_WITHIN, "it is empty")
    admin.delete_group(group)
    report.equal("a group that was deleted", group in admin.consumer_groups(), False)


def pattern(adapter, bootstrap, admin, report, options):
    names = [f"pattern-{options.seed}-{index}" for index in range(3)]
    admin.create_topic(names[0], 1)
    admin.create_topic(f"other-{options.seed}", 1)
    consumer = adapter.ClientConsumer(bootstrap, f"pattern-group-{options.seed}")
    consumer.subscribe(f"^pattern-{options.seed}-.*")

    def reads(wanted):
        consumer.poll(0.1)
        return consumer.places() == {(name, 0) for name in wanted}

    wait_until(lambda: reads(names[:1]), 30, "the topic that matches is read")
    admin.create_topic(names[1], 1)
    admin.create_topic(names[2], 1)
    wait_until(lambda: reads(names), 60, "topics that are made later are read too")
    consumer.close()
    report.check("a pattern finds topics, also later ones", [])


def is_read(records, members):
    places = {(record.partition, record.offset) for record in records}
    return places <= {(record.partition, record.offset)
                      for member in members for record in member.records}


def migration(adapter, bootstrap, admin, report, options, assignor):
    """An application moves over, one member at a time, and back; no record is missed, and what one
    protocol has committed the other goes on from."""
    topic, group = f"moving-{assignor}-{options.seed}", f"moving-group-{assignor}-{options.seed}"
    admin.create_topic(topic, PARTITIONS)
    classic = {"protocol": "classic", "assignor": assignor}
    old = [Member(adapter, bootstrap, group, topic, classic) for _ in range(2)]
    wait_until(lambda: shared_by(old, [3, 3]), 60, "two members share on the classic protocol")
    report.equal("a classic group", admin.listed_groups()[group][0], "classic")
    kinds = []

    new = Member(adapter, bootstrap, group, topic, {})
    wait_until(lambda: shared_by([*old, new], [2, 2, 2]), 60, "members on both protocols share")
    kinds.append(admin.listed_groups()[group][0])
    count = options.records // 10
    wanted = produce(adapter, bootstrap, topic, count, b"both")
    wait_until(lambda: is_read(wanted, [*old, new]), 60, "both protocols read")
    old.pop().leave()
    wait_until(lambda: shared_by([*old, new], [3, 3]), 60, "one of each protocol")
    newer = Member(adapter, bootstrap, group, topic, {})
    old.pop().leave()
    wait_until(lambda: shared_by([new, newer], [3, 3]), 60, "all on the consumer protocol")
    kinds.append(admin.listed_groups()[group][0])
    written = {record.partition for record in wanted}
    commits = {partition: 1 for partition in written}
    newer.call(lambda consumer: consumer.commit(commits))

    back = Member(adapter, bootstrap, group, topic, classic)
    wait_until(lambda: shared_by([new, newer, back], [2, 2, 2]), 60, "one has gone back")
    newer.leave()
    new.leave()
    wait_until(lambda: shared_by([back], [PARTITIONS]), 60, "all have gone back")
    kinds.append(admin.listed_groups()[group][0])
    kept = back.call(lambda consumer: consumer.committed(sorted(written)))
    report.equal(f"{assignor}: commits of the other protocol",
                 {partition: offset for partition, (offset, _) in kept.items()}, commits)
    report.equal(f"{assignor}: the kinds of the group", kinds, ["consumer", "consumer", "classic"])
    later = produce(adapter, bootstrap, topic, count, b"back")
    wait_until(lambda: is_read(later, [back]), 60, "the classic protocol reads again")
    again = [record for record in back.records
             if record.partition in written and record.offset < commits[record.partition]]
    report.check(f"{assignor}: {2 * count} records while members moved",
                 [f"{len(again)} were read again"] if again else [])
    back.leave()
