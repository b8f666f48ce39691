import { describe, expect, test } from "vitest";
import { channelEvents, hasLostChannel } from "../../../src/lifecycle/channel";
import { aRecord } from "../../support/a-record";
import { aRecordIn } from "../../support/a-record-in";

const running = aRecordIn("RUNNING");
const lease = running.lease!;
const { fence, leaseEndTime } = lease;
const open = { isOpen: true, lastKeepAliveTime: leaseEndTime - 5 };
const closed = { isOpen: false, lastKeepAliveTime: undefined };

describe("channelEvents", () => {
  test("extends a due lease by the last keep-alive of an open channel", () => {
    expect(channelEvents(running, open, leaseEndTime)).toEqual([
      { type: "keepAlive", fence, receivedTime: leaseEndTime - 5 },
    ]);
  });

  test("returns nothing before the lease is due, and without a keep-alive", () => {
    expect(channelEvents(running, open, leaseEndTime - 1)).toEqual([]);
    expect(channelEvents(running, { ...open, lastKeepAliveTime: undefined }, leaseEndTime)).toEqual([]);
  });

  test("reports a lost channel once, at any time", () => {
    const told = { ...running, lease: { ...lease, channelLostTime: leaseEndTime - 9 } };

    expect(channelEvents(running, closed, leaseEndTime - 1)).toEqual([{ type: "channelLost", fence }]);
    expect(channelEvents(told, { ...open, isOpen: false }, leaseEndTime)).toEqual([]);
    expect([hasLostChannel(running, closed), hasLostChannel(told, closed)]).toEqual([true, false]);
  });

  test("returns nothing if no runner holds a lease", () => {
    expect(channelEvents(aRecord(), closed, Infinity)).toEqual([]);
    expect(hasLostChannel(aRecord(), closed)).toBe(false);
  });
});
